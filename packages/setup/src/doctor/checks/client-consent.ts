import {
  OAuthApplicationRelationship,
  OAuthScopeConsentMode,
  OAuthScopeHandlingPolicy,
  UnknownScopePolicy,
} from '@fusionauth/typescript-client';
import { cleanLine } from '@mcp-keyhole/cli-kit';
import { check, type Check } from '../check.ts';
import { nameOf, oauth, setting, unknownScopes } from './application.ts';

/** Whom a client lets in, and what it gets of them with their consent or without. */
export const clientConsentChecks: readonly Check[] = [
  check('client-unknown-scopes', 'warning', ['client'], ({ client }) => {
    const policy = unknownScopes(client);
    if (policy === UnknownScopePolicy.Reject) return undefined;
    return setting(client, {
      message: `Its policy for unknown scopes is ${policy}.`,
      consequence:
        policy === UnknownScopePolicy.Allow
          ? 'A client gets any scope that it names, and the consent page does not say what it means.'
          : 'A scope that is misspelt is dropped silently, and shows only as 403 insufficient_scope.',
      remedy: 'OAuth → Unknown scope policy: Reject.',
      set: { unknownScopePolicy: 'Reject' },
    });
  }),

  check('client-consent', 'warning', ['client', 'license'], ({ client, license }) => {
    const { relationship, consentMode } = oauth(client);
    const isThird = relationship === OAuthApplicationRelationship.ThirdParty;
    const isNever = consentMode === OAuthScopeConsentMode.NeverPrompt;
    // A first-party client is all that there can be without a license.
    if ((isThird && !isNever) || license.licensed !== true) return undefined;
    return setting(client, {
      message: 'Its users are not asked whether it may have their data.',
      consequence: 'Whoever is signed in gives tokens away by following a link, without a page in between.',
      remedy: 'OAuth → Relationship: Third-party; consent mode: Always prompt, or Remember decision.',
      set: {
        relationship: 'ThirdParty',
        ...(isNever ? { consentMode: 'AlwaysPrompt' } : {}),
      },
    });
  }),

  check('client-scope-handling', 'warning', ['client'], ({ client }) => {
    if (oauth(client).scopeHandlingPolicy !== OAuthScopeHandlingPolicy.Compatibility) return undefined;
    return setting(client, {
      message: 'Its policy for scopes is Compatibility.',
      consequence: 'Its tokens tell the e-mail address and roles of users, whatever they consented to.',
      remedy: 'OAuth → Scope handling policy: Strict.',
      set: { scopeHandlingPolicy: 'Strict' },
    });
  }),

  check('client-registration-required', 'warning', ['client'], ({ client }) =>
    oauth(client).requireRegistration === true
      ? {
          about: nameOf(client),
          message: 'Only users who are registered for it are let in.',
          consequence: 'The login page refuses all others, with the right password too.',
          remedy: `Register the users who shall have it (Users → … → Registrations), or Applications → ${cleanLine(client.name ?? '')} → OAuth → Require registration: off. Where it is on purpose: --ignore client-registration-required.`,
        }
      : undefined,
  ),
];
