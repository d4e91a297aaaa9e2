import { constants, createHash, createPrivateKey, randomUUID, sign } from 'node:crypto';
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
type Sign = (claims: Readonly<Record<string, unknown>>) => string;

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
  #signer: { readonly key: ProofKey; readonly sign: Sign } | undefined;

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
        return Promise.resolve(this.#prove(request, token, granted.nonce));
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
  #prove({ url, method, body }: Provable, { value, key }: BoundToken, nonce: string | undefined): string {
    if (this.#signer?.key !== key) this.#signer = { key, sign: signer(key) };
    return this.#signer.sign({
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

/**
 * Signs as JWS says (RFC 7515, section 7.1), and at once: a way through Web Crypto and its threads, as libraries take it, costs
 * more than the signature, above all on a machine that is busy.
 */
function signer(key: ProofKey): Sign {
  const { alg } = key;
  const hash = /^(?:ES|PS|RS)(\d{3})$/u.exec(alg)?.[1];
  const isPss = alg.startsWith('PS');
  const material = {
    key: createPrivateKey({ key: { ...key }, format: 'jwk' }),
    dsaEncoding: 'ieee-p1363' as const,
    ...(isPss
      ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
      : {}),
  };
  const header = encoded({ typ: 'dpop+jwt', alg, jwk: publicHalf(key) });
  return (claims) => {
    const input = `${header}.${encoded(claims)}`;
    const signature = sign(hash === undefined ? undefined : `sha${hash}`, Buffer.from(input), material);
    return `${input}.${signature.toString('base64url')}`;
  };
}

function encoded(content: object): string {
  return Buffer.from(JSON.stringify(content)).toString('base64url');
}

function sha256(content: string | Buffer): Buffer {
  return createHash('sha256').update(content).digest();
}
