import type { Application } from '../store/types.ts';
import { OAuthError } from './oauth-error.ts';

/** One scope of an authorization request, as the consent page shows it. */
export interface RequestedScope {
  readonly name: string;
  /** Cannot be declined. */
  readonly required: boolean;
  readonly message: string;
  readonly detail: string | undefined;
}

const provided = {
  profile: ['See your profile', 'Your name, username, picture, birth date, language and time zone.'],
  email: ['See your email address', 'Your email address and whether it has been verified.'],
  phone: ['See your phone number', undefined],
  address: ['See your postal address', undefined],
} as const satisfies Record<string, readonly [string, string | undefined]>;

const reserved: Record<string, RequestedScope> = {
  openid: {
    name: 'openid',
    required: true,
    message: 'Know who you are',
    detail: 'An identifier for your account.',
  },
  offline_access: {
    name: 'offline_access',
    required: true,
    message: 'Keep this access while you are away',
    detail: 'It can renew its access without asking you to sign in each time.',
  },
};

/**
 * The scopes of a request that the application may ask for, with their wording.
 *
 * @throws OAuthError `invalid_scope` for a scope that the application does not have, under `unknownScopePolicy` Reject
 */
export function resolveScopes(application: Application, names: readonly string[]): RequestedScope[] {
  return names.flatMap((name) => {
    const known = knownScope(application, name);
    if (known !== undefined) return [known];
    const { unknownScopePolicy } = application.oauthConfiguration;
    if (unknownScopePolicy === 'Remove') return [];
    if (unknownScopePolicy === 'Allow') return [{ name, required: false, message: name, detail: undefined }];
    throw new OAuthError(
      'invalid_scope',
      'unknown_scope',
      `The scope [${name}] is not known to this application.`,
    );
  });
}

function knownScope(application: Application, name: string): RequestedScope | undefined {
  const own = application.scopes.find((scope) => scope.name === name);
  if (own !== undefined) {
    return {
      name,
      required: own.required,
      message: own.defaultConsentMessage ?? own.description ?? name,
      detail: own.defaultConsentDetail,
    };
  }
  if (Object.hasOwn(reserved, name)) return reserved[name];
  if (!isProvided(name)) return undefined;
  const policy = application.oauthConfiguration.providedScopePolicy[name];
  const [message, detail] = provided[name];
  return policy.enabled ? { name, required: policy.required, message, detail } : undefined;
}

function isProvided(name: string): name is keyof typeof provided {
  return Object.hasOwn(provided, name);
}
