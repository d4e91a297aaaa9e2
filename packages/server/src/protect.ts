import { Router } from 'express';
import { requireBearerToken } from './bearer-authentication.ts';
import type { DpopMode } from './dpop/dpop-options.ts';
import { Possession } from './dpop/possession.ts';
import { connectFusionAuth, type FusionAuth } from './fusionauth.ts';
import { createLog, type Log } from './log.ts';
import { observationOf, type Observation } from './observation/observation.ts';
import {
  protectedResourceMetadata,
  resourceMetadataPaths,
  resourceMetadataUrl,
} from './protected-resource-metadata.ts';
import { checkProtection } from './protection-check.ts';
import { requireScopes } from './scopes/require-scopes.ts';
import { createMemorySharedState } from './shared-state/memory-shared-state.ts';
import { unrevoked } from './shared-state/revocation-check.ts';
import type { SharedState } from './shared-state/shared-state.ts';
import { watchSigningKeys } from './shared-state/signing-keys-watch.ts';
import { StreamsOfTokens } from './streams-of-tokens.ts';
import type { RememberingVerifier } from './token-verifier/cached-token-verifier.ts';
import { createTokenVerifier, isTokenVerifier, type Validation } from './token-verifier/token-verifier.ts';

/** What {@link protect} protects, and with whose tokens. */
export interface Protection {
  /** The public URL of the MCP endpoint, such as `https://mcp.example.com/mcp`: tokens must be issued for it (RFC 8707). */
  readonly resource: string;
  /** FusionAuth's issuer, letter by letter as the tenant has it. */
  readonly issuer: string;
  /** Where this server reaches FusionAuth. Default: the issuer. */
  readonly fusionAuthUrl?: string | undefined;
  /** What a token must carry for any request. Default: nothing; tools and routes have scopes of their own. */
  readonly requiredScopes?: readonly string[] | undefined;
  /** All that clients may ask for: the metadata's `scopes_supported`. Default: `openid`, `profile` and the required ones. */
  readonly scopesSupported?: readonly string[] | undefined;
  /** Of those, what clients ask for when they sign in: tools lead them to the rest. Default: all. Required ones are among them. */
  readonly initialScopes?: readonly string[] | undefined;
  /** Shown to users by some clients. Default: the resource's host name. */
  readonly name?: string | undefined;
  /** The path at which requests arrive here. Default: the resource's; another one behind a proxy that strips paths. */
  readonly path?: string | undefined;
  /** Who verifies signatures. Default: `auto`, this server where the key is published, else FusionAuth. */
  readonly validation?: Validation | undefined;
  /** Default: one for `validation`, with a cache. Another one has no cache but its own, which may be {@link cachedVerifier}. */
  readonly verifier?: RememberingVerifier | undefined;
  /** Default: the FusionAuth at `fusionAuthUrl`. */
  readonly fusionAuth?: FusionAuth | undefined;
  /** Revocations. Default: in memory, for a server that is one node. */
  readonly sharedState?: SharedState | undefined;
  /** Tokens that are bound to a key (RFC 9449). Default: accepted with their proof, without nonces. */
  readonly dpop?: DpopProtection | undefined;
  /** Default: JSON lines on stdout. */
  readonly log?: Log | undefined;
  /** Default: the log, and metrics that nobody reads. */
  readonly observation?: Observation | undefined;
}

/** How tokens that are bound to a key are dealt with. */
export interface DpopProtection {
  /** Default: `accept`; see {@link DpopMode}. */
  readonly mode?: DpopMode | undefined;
  /** At least 32 characters, the same on all nodes: nonces are asked for, and made with it. Default: no nonces. */
  readonly nonceSecret?: string | undefined;
  /** Seconds by which the clients' clocks and this one may differ. Default: 30. */
  readonly clockTolerance?: number | undefined;
}

/**
 * Protects one path of an express app with FusionAuth: serves the protected resource metadata, by which MCP clients find
 * FusionAuth, and lets only requests with a good access token pass, whose AuthInfo it leaves in `request.auth`. All other
 * paths stay as they are.
 *
 * @throws ServerError `unusable-option`, `issuer-not-a-url`
 */
export function protect(protection: Protection): Router {
  checkProtection(protection);
  const { resource, issuer, requiredScopes = [] } = protection;
  const url = new URL(resource);
  const path = protection.path ?? url.pathname;
  const scopesSupported = protection.scopesSupported ?? ['openid', 'profile', ...requiredScopes];
  const initialScopes = protection.initialScopes?.filter((scope) => scopesSupported.includes(scope));
  const observation = protection.observation ?? observationOf(protection.log ?? createLog());
  const fusionAuth =
    protection.fusionAuth ??
    connectFusionAuth(protection.fusionAuthUrl ?? protection.issuer, { observation });
  const { revocations, singleUse } = protection.sharedState ?? createMemorySharedState();
  const { validation = 'auto' } = protection;
  const verifier = protection.verifier ?? createTokenVerifier(validation, fusionAuth, { issuer, resource });
  if (isTokenVerifier(verifier)) watchSigningKeys(revocations, () => verifier.keysChanged());
  const { mode = 'accept', nonceSecret, clockTolerance = 30 } = protection.dpop ?? {};
  const possession = new Possession({ mode, resource, nonceSecret, clockTolerance, singleUse });
  const router = Router();
  router.get(
    resourceMetadataPaths(path),
    protectedResourceMetadata({
      resource,
      // Exactly as it was configured: clients compare it letter by letter, and a URL object would add a slash.
      authorization_servers: [issuer],
      scopes_supported: scopesSupported,
      resource_name: protection.name ?? url.host,
      ...possession.metadata,
    }),
  );
  router.use(
    path,
    requireBearerToken({
      verifier: unrevoked(verifier, revocations),
      observation,
      possession,
      streams: new StreamsOfTokens(revocations, observation),
      initialScopes: [...new Set([...(initialScopes ?? scopesSupported), ...requiredScopes])],
      resourceMetadataUrl: resourceMetadataUrl(resource),
    }),
  );
  const [first, ...others] = requiredScopes;
  if (first !== undefined) router.use(path, requireScopes(first, ...others));
  return router;
}
