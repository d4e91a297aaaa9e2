import { randomBytes, randomUUID } from 'node:crypto';
import { ApplicationTable } from './application-table.ts';
import { createKey, type SigningKey } from './keys.ts';
import type { Switches } from '../switches.ts';
import {
  defaultCors,
  defaultEventConfiguration,
  defaultJwtConfiguration,
  defaultOAuthConfiguration,
  defaultThemeId,
} from './defaults.ts';
import { EngineRecords } from './engine-records.ts';
import { Table } from './table.ts';
import type {
  ApiKey,
  Application,
  Authorization,
  CorsConfiguration,
  OAuthConfiguration,
  Role,
  Tenant,
  Theme,
  User,
  Webhook,
} from './types.ts';
import { currentVersion } from './version.ts';

/** FusionAuth's own application: its id is the same in every installation. */
export const fusionAuthApplicationId = '3c219e58-ed0e-4b18-ad48-f4f92793ae32';

/** Everything the emulator knows; `data-file.ts` keeps it where that is asked for. */
export interface Store {
  tenant: Tenant;
  /** Told of each tenant that is set. */
  onTenantChange: ((tenant: Tenant) => void) | undefined;
  readonly apiKeys: Table<ApiKey>;
  readonly keys: Table<SigningKey>;
  readonly applications: ApplicationTable;
  readonly users: Table<User>;
  readonly webhooks: Table<Webhook>;
  cors: CorsConfiguration;
  readonly themes: Table<Theme>;
  /** By the engine's grant id. */
  readonly authorizations: Table<Authorization>;
  /** Remembered consent: scopes granted, by user and application id joined with a colon. */
  readonly consents: Table<readonly string[]>;
  /** What the OAuth engine stores: sessions, codes, refresh tokens. */
  readonly engine: EngineRecords;
  /** Secrets of this installation: what signs the browser's cookies. */
  readonly secrets: Table<string>;
  defaultSigningKeyId: string;
  /** Whether the paid features answer. */
  readonly licensed: boolean;
  /** Publishes no key, whatever keys there are. */
  readonly emptyJwks: boolean;
  /** The FusionAuth version that is spoken, such as `1.69.0`. */
  readonly version: string;
  /** The policy of applications that name none. */
  readonly clientAuthentication: OAuthConfiguration['clientAuthenticationPolicy'];
  /** Whether DPoP proofs have to carry a nonce. */
  readonly dpopNonces: boolean;
}

export function createStore(options: Switches & { tenantId?: string | undefined }): Store {
  const now = Date.now();
  const stamps = { insertInstant: now, lastUpdateInstant: now };
  const tenantId = options.tenantId ?? randomUUID();
  const key = createKey({ id: randomUUID(), name: 'Default signing key', algorithm: 'RS256' });
  const role = (name: string): Role => ({
    ...stamps,
    id: randomUUID(),
    name,
    description: undefined,
    isDefault: false,
    isSuperRole: name === 'admin',
  });
  const fusionAuth: Application = {
    ...stamps,
    id: fusionAuthApplicationId,
    tenantId,
    name: 'FusionAuth',
    active: true,
    roles: [role('admin'), role('user_manager')],
    scopes: [],
    oauthConfiguration: {
      ...defaultOAuthConfiguration(fusionAuthApplicationId),
      enabledGrants: [],
    },
    jwtConfiguration: undefined,
    extra: {},
  };
  let tenant: Tenant = {
    ...stamps,
    id: tenantId,
    name: 'Default',
    // FusionAuth's own default, until somebody sets it: tokens and discovery then name an issuer nobody can ask.
    issuer: 'acme.com',
    jwtConfiguration: {
      ...defaultJwtConfiguration,
      accessTokenKeyId: key.id,
      idTokenKeyId: key.id,
    },
    eventConfiguration: defaultEventConfiguration,
    extra: {},
  };
  return {
    get tenant() {
      return tenant;
    },
    set tenant(value) {
      tenant = value;
      this.onTenantChange?.(value);
    },
    onTenantChange: undefined,
    apiKeys: new Table(),
    keys: new Table([[key.id, key]]),
    applications: new ApplicationTable().set(fusionAuth.id, fusionAuth),
    users: new Table(),
    webhooks: new Table(),
    themes: new Table([[defaultThemeId, { ...stamps, id: defaultThemeId, name: 'FusionAuth', extra: {} }]]),
    authorizations: new Table(),
    consents: new Table(),
    cors: defaultCors,
    engine: new EngineRecords(),
    secrets: new Table([['cookies', randomBytes(32).toString('base64url')]]),
    defaultSigningKeyId: key.id,
    licensed: options.licensed ?? true,
    emptyJwks: options.emptyJwks ?? false,
    version: options.fusionAuthVersion ?? currentVersion,
    clientAuthentication: options.clientAuthentication ?? 'Required',
    dpopNonces: options.dpopNonces ?? false,
  };
}

/** The application that may take part in OAuth: it exists and is active. */
export function activeApplication(store: Store, clientId: string | undefined): Application | undefined {
  const application = clientId === undefined ? undefined : store.applications.get(clientId);
  return application?.active === true ? application : undefined;
}

/** The active user with this email address or username; both are compared without regard to case. */
export function userByLoginId(store: Store, loginId: string): User | undefined {
  const wanted = loginId.trim().toLowerCase();
  return [...store.users.values()].find(
    (user) => user.email?.toLowerCase() === wanted || user.username?.toLowerCase() === wanted,
  );
}

/** The application's token settings where it has its own, else the tenant's. */
export function jwtConfigurationOf(store: Store, application: Application): Tenant['jwtConfiguration'] {
  return application.jwtConfiguration?.enabled === true
    ? application.jwtConfiguration
    : store.tenant.jwtConfiguration;
}
