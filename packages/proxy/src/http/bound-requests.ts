import { createHash, randomUUID } from 'node:crypto';
import { SignJWT } from 'jose/jwt/sign';
import { importJWK } from 'jose/key/import';
import { errors } from '../errors.ts';
import { publicHalf, type ProofKey } from '../token-store/proof-key.ts';
import { discard } from './body.ts';
import { readChallenge } from './challenge.ts';
import { headerOf, type HttpRequest, type HttpResponse } from './exchange.ts';
import { ServerClocks } from './server-clocks.ts';

/** A token, and the key that it is bound to. */
export interface BoundToken {
  readonly value: string;
  readonly key: ProofKey;
}

type Provable = Pick<HttpRequest, 'url' | 'method' | 'body'>;
type Sign = (claims: Readonly<Record<string, unknown>>) => Promise<string>;

/** What a server has said about the proofs that it takes. */
interface Wishes {
  /** RFC 9449, section 9. */
  readonly nonce: string | undefined;
  /** How far its clock is ahead. */
  readonly ahead: number;
}

/**
 * Requests with tokens that are bound to a key (RFC 9449, section 7). Apart from the rest of `http/`: only those who have
 * such tokens load it.
 */
export class BoundRequests {
  readonly #clocks: ServerClocks;
  /** By origin; the latest one counts. */
  readonly #nonces = new Map<string, string>();
  #signer: { readonly key: ProofKey; readonly sign: Promise<Sign> } | undefined;

  constructor(clocks = new ServerClocks()) {
    this.#clocks = clocks;
  }

  /**
   * Sends a request from which the server can tell that it comes from who has the key; once more when it wants another nonce,
   * or another time, in the proof.
   *
   * @param reach sends it; asks for a proof each time that it tries
   * @throws ProxyError `proof-refused`; whatever `reach` throws
   */
  async send(
    request: Provable,
    token: BoundToken,
    reach: (prove: () => Promise<string>) => Promise<HttpResponse>,
  ): Promise<HttpResponse> {
    const { url } = request;
    for (let isSecond = false; ; isSecond = true) {
      let granted = this.#wishes(url);
      const response = await reach(() => {
        granted = this.#wishes(url);
        return this.#prove(request, token, granted.nonce);
      });
      this.#learn(url, response);
      if (response.status !== 401) return response;
      const { proofError } = readChallenge(headerOf(response, 'www-authenticate'));
      if (proofError !== 'use_dpop_nonce' && proofError !== 'invalid_dpop_proof') return response;
      discard(response);
      const { nonce, ahead } = this.#wishes(url);
      if (isSecond || (nonce === granted.nonce && ahead === granted.ahead))
        throw errors.proofRefused(url, proofError);
    }
  }

  /** A proof for one request (RFC 9449, section 4.2), never the same twice. */
  async #prove(
    { url, method, body }: Provable,
    { value, key }: BoundToken,
    nonce: string | undefined,
  ): Promise<string> {
    if (this.#signer?.key !== key) this.#signer = { key, sign: signer(key) };
    const sign = await this.#signer.sign;
    return sign({
      jti: randomUUID(),
      htm: method,
      htu: `${url.origin}${url.pathname}`,
      iat: this.#clocks.seconds(url),
      ath: sha256(value).toString('base64url'),
      nonce,
      // All of MCP's requests have one address: a draft of its extension (SEP-1932) ties a proof to the body as well. Servers
      // that know nothing of it pass over it.
      content_digest: body === undefined ? undefined : `sha-256=:${sha256(body).toString('base64')}:`,
    });
  }

  #wishes(url: URL): Wishes {
    return { nonce: this.#nonces.get(url.origin), ahead: this.#clocks.ahead(url) };
  }

  #learn(url: URL, response: HttpResponse): void {
    const { date, age } = response.headers;
    this.#clocks.note(url, { date, age });
    const nonce = headerOf(response, 'dpop-nonce');
    if (nonce !== undefined) this.#nonces.set(url.origin, nonce);
  }
}

async function signer(key: ProofKey): Promise<Sign> {
  const { alg } = key;
  const privateKey = await importJWK({ ...key }, alg);
  const header = { typ: 'dpop+jwt', alg, jwk: publicHalf(key) };
  return (claims) => new SignJWT({ ...claims }).setProtectedHeader(header).sign(privateKey);
}

function sha256(content: string | Buffer): Buffer {
  return createHash('sha256').update(content).digest();
}
