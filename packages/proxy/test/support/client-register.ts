import { randomUUID, type JsonWebKey } from 'node:crypto';
import { verifiedJwt } from './signed-jwt.ts';
import type { ReceivedRequest } from './loopback-server.ts';

/** A client that the authorization server knows. */
export interface Client {
  readonly id: string;
  readonly secret?: string | undefined;
  readonly authentication:
    'none' | 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt' | 'tls_client_auth';
  /** Of a client with private_key_jwt. */
  readonly publicJwk?: JsonWebKey;
  /** Undefined: every redirect URI. */
  readonly redirectUris?: readonly string[] | undefined;
  /** For RFC 7592; clients that were registered by hand have none. */
  readonly registrationToken?: string | undefined;
}

/** The clients of an authorization server, registered by hand or by themselves (RFC 7591, RFC 7592). */
export class ClientRegister {
  readonly #clients = new Map<string, Client>();
  readonly #audience: string;
  readonly #assertions = new Set<unknown>();

  /** @param audience of client assertions */
  constructor(audience: string) {
    this.#audience = audience;
  }

  add(client: Client): void {
    this.#clients.set(client.id, client);
  }

  find(id: string | null): Client | undefined {
    return this.#clients.get(id ?? '');
  }

  /** Registers a client that asks for it, and gives it what it needs to know. */
  register(metadata: Readonly<Record<string, unknown>>): {
    client: Client;
    content: Record<string, unknown>;
  } {
    const authentication = metadata['token_endpoint_auth_method'] as Client['authentication'];
    const client: Client = {
      id: `dynamic-${randomUUID()}`,
      secret: authentication === 'none' ? undefined : `secret ${randomUUID()}`,
      authentication,
      redirectUris: metadata['redirect_uris'] as string[],
      registrationToken: `registration-${randomUUID()}`,
    };
    this.add(client);
    return { client, content: { ...metadata, client_id: client.id, client_secret: client.secret } };
  }

  /** RFC 7592, section 2.3: the status of the answer. */
  delete(id: string, { headers }: ReceivedRequest): number {
    const token = this.find(id)?.registrationToken;
    if (token === undefined || headers.authorization !== `Bearer ${token}`) return 401;
    this.#clients.delete(id);
    return 204;
  }

  /** The client that a request comes from, if it authenticates in its own way and no other. */
  authenticate({ headers }: ReceivedRequest, form: URLSearchParams): Client | undefined {
    if (form.has('client_assertion')) return this.#byAssertion(form);
    const basic = /^Basic (?<credentials>.+)$/u.exec(headers.authorization ?? '')?.groups?.['credentials'];
    const [id, secret] =
      basic === undefined
        ? [form.get('client_id'), form.get('client_secret')]
        : Buffer.from(basic, 'base64').toString('utf8').split(':').map(formDecode);
    const client = this.find(id ?? null);
    const used = basic !== undefined ? 'client_secret_basic' : secret ? 'client_secret_post' : 'none';
    // Whoever took the request has seen the certificate.
    const wanted = client?.authentication === 'tls_client_auth' ? 'none' : client?.authentication;
    if (client === undefined) return undefined;
    return wanted === used && client.secret === (secret ?? undefined) ? client : undefined;
  }

  /** RFC 7523, section 2.2: an assertion is good once. */
  #byAssertion(form: URLSearchParams): Client | undefined {
    const client = this.find(form.get('client_id'));
    if (client?.authentication !== 'private_key_jwt' || client.publicJwk === undefined) return undefined;
    const claims = verifiedJwt(form.get('client_assertion') ?? '', client.publicJwk)?.claims;
    const { iss, sub, aud, jti } = claims ?? {};
    if (iss !== client.id || sub !== client.id || aud !== this.#audience) return undefined;
    if (this.#assertions.has(jti)) return undefined;
    this.#assertions.add(jti);
    return client;
  }
}

/** RFC 6749, section 2.3.1: id and secret are form-encoded before they go into the header. */
function formDecode(text: string): string {
  return decodeURIComponent(text.replaceAll('+', ' '));
}
