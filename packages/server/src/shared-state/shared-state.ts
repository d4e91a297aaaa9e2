import type { Messages } from './messages.ts';
import type { SessionLimits, Sessions } from './sessions.ts';

/** What all nodes of one server must agree on. In memory for one node; in Redis or Valkey for several. */
export interface SharedState {
  readonly revocations: Revocations;
  /**
   * A limit that holds over all nodes.
   *
   * @param name tells limits apart
   * @param perMinute how often one key may be taken in a minute, which begins with its first take
   */
  rateLimit(name: string, perMinute: number): RateLimit;
  /** The sessions of legacy clients. */
  sessions(limits: SessionLimits): Sessions;
  readonly messages: Messages;
  /**
   * Small texts that are kept for users.
   *
   * @param name tells collections apart
   * @param most how many there may be: for another one, the one that was written longest ago goes
   */
  texts(name: string, most: number): Texts;
  /** What may be used once, on whichever node: proofs of DPoP. */
  readonly singleUse: SingleUse;
  /** Why this node cannot tell yet who may be let in; undefined when it can. */
  unreadiness(): string | undefined;
  close(): Promise<void>;
}

/** Which tokens of a subject are refused although they have not expired. Subjects are opaque: a user's id, for one. */
export interface Revocations {
  /**
   * Refuses all tokens of the subject that were issued until then. Effective on this node at once, on every other within a
   * second.
   *
   * @param before seconds since the epoch: tokens issued at or before it are refused (`iat` knows no parts of a second)
   * @param until seconds since the epoch: when the last of those tokens has expired, and the entry may be forgotten
   * @throws SharedStateUnavailable when the other nodes could not be told; they are as soon as that is possible again
   */
  revoke(subject: string, before: number, until: number): Promise<void>;
  /**
   * Asks nobody: it goes by what this node has been told.
   *
   * @param issuedAt the token's `iat`
   * @throws SharedStateUnavailable while this node has not learnt what the others know: the token may be revoked, so it
   *   is not let in, but it may be good, so it is not called invalid either
   */
  isRevoked(subject: string, issuedAt: number): boolean;
  /** Hears of each revocation that is new to this node, whichever node made it. @returns what ends it */
  watch(listener: (subject: string) => void): () => void;
}

/** One limit on how often a thing may be done. */
export interface RateLimit {
  /** Counts one use; without the shared store on this node alone, so that its absence is no error. */
  take(key: string): Promise<Allowance>;
}

/** What came of a use. */
export interface Allowance {
  readonly allowed: boolean;
  /** Milliseconds until the count begins anew. */
  readonly resetAfter: number;
}

/** Texts by key. Both methods throw SharedStateUnavailable when Redis does not answer. */
export interface Texts {
  /** @returns undefined when there is none */
  read(key: string): Promise<string | undefined>;
  write(key: string, text: string): Promise<void>;
}

/** Tells a first use from a second. */
export interface SingleUse {
  /**
   * Uses something up; without the shared store on this node alone, so that its absence is no error.
   *
   * @param id at most 64 characters
   * @param lifetime milliseconds after which it could not be used anyway, and is forgotten
   * @returns whether this is its first use
   * @throws SharedStateUnavailable when nothing more can be remembered
   */
  take(id: string, lifetime: number): Promise<boolean>;
}

/** Redis does not answer, and going on without it would let in whom it might refuse. */
export class SharedStateUnavailable extends Error {
  override readonly name = 'SharedStateUnavailable';
}
