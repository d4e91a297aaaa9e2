import { randomUUID } from 'node:crypto';
import { objectOf, type JsonObject } from '../json.ts';
import { defaultJwtConfiguration, defaultOAuthConfiguration } from '../store/defaults.ts';
import type { Store } from '../store/store.ts';
import type { Application, OAuthConfiguration, Role } from '../store/types.ts';
import { has } from '../store/version.ts';
import { Problems } from './api-error.ts';
import { Input } from './input.ts';
import { readJwtConfiguration } from './jwt-configuration.ts';
import { checkRelationshipLicense } from './license.ts';

const own = [
  'id',
  'tenantId',
  'name',
  'active',
  'state',
  'roles',
  'scopes',
  'oauthConfiguration',
  'jwtConfiguration',
  'insertInstant',
  'lastUpdateInstant',
];

/**
 * Makes an application of a request's `application`.
 *
 * @throws ApiError 400
 */
export function readApplication(
  store: Store,
  id: string,
  body: JsonObject,
  existing: Application | undefined,
): Application {
  const problems = new Problems();
  const input = new Input(body, 'application', problems);
  const name = input.text('name');
  if (name === undefined) {
    problems.field('blank', 'application.name', 'You must specify the [application.name] property.');
  } else if ((store.applications.idOfName(name) ?? id) !== id) {
    problems.field(
      'duplicate',
      'application.name',
      `An Application with the [application.name] of [${name}] already exists.`,
    );
  }
  const now = Date.now();
  const application: Application = {
    id,
    tenantId: store.tenant.id,
    name: name ?? '',
    active: existing?.active ?? true,
    roles: existing?.roles ?? readRoles(body['roles']),
    scopes: existing?.scopes ?? [],
    oauthConfiguration: readOAuthConfiguration(
      store,
      input.child('oauthConfiguration'),
      existing?.oauthConfiguration ?? defaultOAuthConfiguration(id),
      problems,
    ),
    jwtConfiguration:
      body['jwtConfiguration'] === undefined
        ? undefined
        : readJwtConfiguration(
            store,
            input.child('jwtConfiguration'),
            'application.jwtConfiguration',
            { ...defaultJwtConfiguration, enabled: false },
            problems,
          ),
    extra: input.rest(own),
    insertInstant: existing?.insertInstant ?? now,
    lastUpdateInstant: now,
  };
  checkRelationshipLicense(store, application, problems);
  problems.throwIfAny();
  return application;
}

function readOAuthConfiguration(
  store: Store,
  input: Input,
  existing: OAuthConfiguration,
  problems: Problems,
): OAuthConfiguration {
  const defaults = defaultOAuthConfiguration(existing.clientId);
  const path = 'application.oauthConfiguration';
  const provided = input.child('providedScopePolicy');
  const scopePolicy = (name: 'address' | 'email' | 'phone' | 'profile') => {
    const policy = provided.child(name);
    return { enabled: policy.flag('enabled', true), required: policy.flag('required', false) };
  };
  const redirectUrls = input.texts('authorizedRedirectURLs', []);
  for (const url of redirectUrls) {
    // RFC 6749 section 3.1.2: absolute, without a fragment.
    if (!URL.canParse(url.replaceAll('*', 'x')) || url.includes('#')) {
      problems.field('invalid', `${path}.authorizedRedirectURLs`, `Invalid redirect URL [${url}].`);
    }
  }
  const resources = has(store, 'resource') ? input.texts('authorizedResourceUris', []) : [];
  for (const uri of resources) {
    if (!URL.canParse(uri) || uri.includes('#')) {
      problems.field(
        'invalid',
        `${path}.authorizedResourceUris`,
        `The resource [${uri}] is not an absolute URI without a fragment.`,
      );
    }
  }
  return {
    authorizedOriginURLs: input.texts('authorizedOriginURLs', []),
    authorizedRedirectURLs: redirectUrls,
    authorizedResourceUris: resources,
    authorizedURLValidationPolicy: input.choice(
      'authorizedURLValidationPolicy',
      ['ExactMatch', 'AllowWildcards'],
      'ExactMatch',
    ),
    clientAuthenticationPolicy: input.choice(
      'clientAuthenticationPolicy',
      ['Required', 'NotRequired', 'NotRequiredWhenUsingPKCE'],
      // The deprecated field still decides where the policy is absent.
      input.flag('requireClientAuthentication', true) ? store.clientAuthentication : 'NotRequired',
    ),
    clientId: existing.clientId,
    clientSecret: input.text('clientSecret') ?? existing.clientSecret,
    consentMode: input.choice(
      'consentMode',
      ['AlwaysPrompt', 'RememberDecision', 'NeverPrompt'],
      'AlwaysPrompt',
    ),
    deviceVerificationURL: input.text('deviceVerificationURL'),
    enabledGrants: input.texts('enabledGrants', defaults.enabledGrants),
    generateRefreshTokens: input.flag('generateRefreshTokens', true),
    logoutURL: input.text('logoutURL'),
    proofKeyForCodeExchangePolicy: input.choice(
      'proofKeyForCodeExchangePolicy',
      ['Required', 'NotRequired', 'NotRequiredWhenUsingClientAuthentication'],
      'NotRequired',
    ),
    providedScopePolicy: {
      address: scopePolicy('address'),
      email: scopePolicy('email'),
      phone: scopePolicy('phone'),
      profile: scopePolicy('profile'),
    },
    relationship: input.choice('relationship', ['FirstParty', 'ThirdParty'], 'FirstParty'),
    requireRegistration: input.flag('requireRegistration', false),
    scopeHandlingPolicy: input.choice('scopeHandlingPolicy', ['Strict', 'Compatibility'], 'Strict'),
    unknownScopePolicy: input.choice('unknownScopePolicy', ['Reject', 'Allow', 'Remove'], 'Reject'),
  };
}

function readRoles(value: unknown): Role[] {
  const now = Date.now();
  return (Array.isArray(value) ? value : []).map((item: unknown) => {
    // FusionAuth's own examples also name a role by its name alone.
    const body = typeof item === 'string' ? { name: item } : objectOf(item);
    const role = new Input(body, 'application.roles', new Problems());
    return {
      id: role.text('id') ?? randomUUID(),
      name: role.text('name') ?? '',
      description: role.text('description'),
      isDefault: role.flag('isDefault', false),
      isSuperRole: role.flag('isSuperRole', false),
      insertInstant: now,
      lastUpdateInstant: now,
    };
  });
}

/** An application as the API shows it. */
export function presentApplication(store: Store, { extra, ...application }: Application): JsonObject {
  return {
    ...extra,
    ...application,
    state: application.active ? 'Active' : 'Inactive',
    oauthConfiguration: presentOAuthConfiguration(store, application),
  };
}

/** An application's OAuth settings as the API shows them. */
export function presentOAuthConfiguration(
  store: Store,
  { oauthConfiguration }: Pick<Application, 'oauthConfiguration'>,
): JsonObject {
  const { authorizedResourceUris, ...rest } = oauthConfiguration;
  return {
    ...rest,
    ...(has(store, 'resource') ? { authorizedResourceUris } : {}),
    requireClientAuthentication: oauthConfiguration.clientAuthenticationPolicy === 'Required',
  };
}
