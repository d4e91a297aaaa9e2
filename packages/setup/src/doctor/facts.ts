import type {
  Application,
  CORSConfiguration,
  Key,
  ReactorStatus,
  Tenant,
} from '@fusionauth/typescript-client';

/** What the doctor is asked to look at. */
export interface Question {
  /** Where FusionAuth's management API is, without a slash at its end. */
  readonly fusionAuthUrl: string;
  /** Where users and clients reach FusionAuth: what the issuer has to be. */
  readonly publicUrl: string;
  readonly tenantId: string | undefined;
  /** The MCP server's base URL; undefined: it is not looked at. */
  readonly mcpServerUrl: string | undefined;
  readonly clientIds: readonly string[];
  /** Where the proxy listens during a sign-in. */
  readonly callbackPort: number;
  /** Origins of hosts that run in a web page, which alone need CORS. */
  readonly browserOrigins: readonly string[];
}

/** What can be seen, by name. */
export interface AllFacts {
  /** `/.well-known/openid-configuration` at the public URL. */
  readonly discovery: Discovery;
  readonly jwks: readonly PublishedKey[];
  /** Why the published keys cannot be had. */
  readonly jwksFailure: string;
  /** The endpoints of a sign-in at which FusionAuth does not answer, such as `POST https://… answers HTTP 403`. */
  readonly closedEndpoints: readonly string[];
  /** How much FusionAuth's clock is ahead of this machine's, in milliseconds; exact to about a second. */
  readonly clock: number;
  /** The certificates of those of the two URLs that are https. */
  readonly certificates: readonly Certificate[];
  readonly version: string;
  readonly license: ReactorStatus;
  readonly tenant: Tenant;
  readonly keys: readonly Key[];
  /** The webhooks without whose consent nobody logs in, by URL. */
  readonly decidingWebhooks: readonly string[];
  /** The client under examination. */
  readonly client: Application;
  /** The MCP server's protected resource metadata (RFC 9728). */
  readonly metadata: ResourceMetadata;
  /** The browser origins whose pages cannot sign in at FusionAuth. */
  readonly originsClosedAtFusionAuth: readonly ClosedOrigin[];
  /** The browser origins whose pages cannot use the MCP endpoint. */
  readonly originsClosedAtServer: readonly ClosedOrigin[];
  readonly cors: CORSConfiguration;
  /** Why FusionAuth does not answer at the public URL. */
  readonly silence: string;
  /** Why its management API does not answer. */
  readonly apiSilence: string;
  /** What the API key that was given may not do, such as `GET /api/tenant`. */
  readonly refusals: readonly string[];
  /** Why the MCP server's metadata cannot be had. */
  readonly metadataFailure: string;
  /** The id of a client that does not exist. */
  readonly absentClient: string;
}

export type FactName = keyof AllFacts;

/** What was seen, and why the rest was not. */
export interface Look {
  readonly facts: Partial<AllFacts>;
  readonly unseen: Readonly<Partial<Record<FactName, string>>>;
}

export interface Discovery {
  readonly issuer: string;
  readonly authorizationEndpoint: string | undefined;
  readonly tokenEndpoint: string | undefined;
  readonly jwksUri: string | undefined;
  readonly pkceMethods: readonly string[];
  /** Whether authorization responses carry `iss` (RFC 9207). */
  readonly namesIssuer: boolean;
  /** By which algorithms tokens can be bound to a key (RFC 9449); none where that is not possible. */
  readonly proofAlgorithms: readonly string[];
}

export interface PublishedKey {
  readonly kid: string | undefined;
  readonly alg: string | undefined;
}

export interface ResourceMetadata {
  readonly resource: string | undefined;
  readonly authorizationServers: readonly string[];
  /** All that clients may ask for. */
  readonly scopes: readonly string[];
  /** What the server's challenge tells them to ask for when they sign in; without one, all. */
  readonly initialScopes: readonly string[];
  /** Whether it takes only tokens that are bound to a key (RFC 9728, section 2). */
  readonly requiresProof: boolean;
}

/** A browser origin, and what its pages cannot do, such as `DPoP cannot be sent to /oauth2/token`. */
export interface ClosedOrigin {
  readonly origin: string;
  readonly why: readonly string[];
}

export interface Certificate {
  /** The URL that it stands at. */
  readonly url: string;
  /** Why it is not trusted here, such as `DEPTH_ZERO_SELF_SIGNED_CERT`; undefined when it is. */
  readonly refusal: string | undefined;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
  /** Whom it is for: host names and addresses. */
  readonly names: readonly string[];
}
