import type { JsonWebKey } from 'node:crypto';
import type { ProofWishes } from './proof-check.ts';

type Document = Record<string, unknown>;

interface Answer {
  readonly status: number;
  readonly content: unknown;
}

/** How the test's authorization server departs from its defaults; each field says what the default is. */
export interface Behaviour {
  /** Changes the authorization server's metadata. */
  readonly metadata?: (correct: Document) => Document;
  /** Changes the protected resource's metadata. */
  readonly resourceMetadata?: (correct: Document) => Document;
  /** What is published: everything; only the authorization server's metadata; or nothing (both MCP 2025-03-26). */
  readonly publishes?: 'everything' | 'authorization server' | 'nothing';
  /** Clients may register themselves. Default: not. */
  readonly registers?: boolean;
  /** Answers a registration instead of the correct answer; undefined leaves it alone. */
  readonly registration?: (metadata: Document) => Answer | undefined;
  /** Changes the redirect back to the client. */
  readonly redirect?: (redirect: URL) => void;
  /** Keeps the browser on the sign-in page for ever. */
  readonly neverRedirects?: boolean;
  /** The user presses Cancel on the consent page. */
  readonly denies?: boolean;
  /** Answers a token request instead of the correct answer; undefined leaves it alone. */
  readonly token?: (form: URLSearchParams) => Answer | undefined;
  /** Adds to the token response, or replaces a part of it. */
  readonly tokenResponse?: Document;
  /** Seconds. Default: 3600. */
  readonly expiresIn?: number;
  /** A refresh token is good for one use, and its second use ends the grant. Default: reusable, none sent back. */
  readonly rotates?: boolean;
  /** No refresh tokens at all. */
  readonly withoutRefreshTokens?: boolean;
  /** The device grant: the errors with which it answers before the user has agreed. Default: no such grant. */
  readonly devicePolls?: readonly string[];
  /** Adds to the device authorization response, or replaces a part of it. */
  readonly deviceResponse?: Document;
  /** How tokens can be revoked: by RFC 7009, by FusionAuth's own way, perhaps for bearer tokens alone, or not (default). */
  readonly revokes?: 'RFC 7009' | 'FusionAuth' | 'FusionAuth, by bearer tokens';
  /** Answers what is to end something (RFC 7009, FusionAuth, RFC 7592) with this status, and does nothing. */
  readonly refusesToEnd?: number;
  /** Whose assertions are taken (RFC 7523), of which type, and whether without a client. Default: nobody's. */
  readonly trusts?: { readonly key: JsonWebKey; readonly typ?: string; readonly anonymous?: boolean };
  /** Tokens are bound to the key of a proof (RFC 9449), and checked at both ends. Default: proofs are passed over. */
  readonly dpop?: ProofWishes & {
    /** The resource takes bearer tokens too, and says so. Default: it does not. */
    readonly optional?: boolean;
    /** The authorization server issues bearer tokens all the same. */
    readonly ignored?: boolean;
  };
  /** The protected resource wants these scopes, space-separated, for every request. Default: none in particular. */
  readonly requiredScope?: string | undefined;
}
