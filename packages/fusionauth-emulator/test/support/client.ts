import { createHash, randomBytes } from 'node:crypto';
import type { Emulator } from '@mcp-keyhole/fusionauth-emulator';
import { FormBrowser, formOf, type Visit } from './form-browser.ts';

export const redirectUri = 'http://localhost:3334/oauth/callback';
export const resource = 'http://localhost:8000/mcp';
export const testUser = {
  id: '00000000-0000-0000-0000-000000000001',
  loginId: 'test@example.com',
  password: 'password',
};

/** An emulator, or what is reached as one. */
export type Reached = Pick<Emulator, 'url' | 'apiKey'>;

/** A JSON body, of which tests look at what they need. */
export type Json = Record<string, unknown>;

export interface Answer {
  readonly status: number;
  readonly body: Json;
  readonly text: string;
  readonly headers: Headers;
}

export async function answerOf(response: Response): Promise<Answer> {
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.startsWith('application/json') === true;
  return {
    status: response.status,
    body: isJson ? (JSON.parse(text) as Json) : {},
    text,
    headers: response.headers,
  };
}

/** Calls the management API, by default with the demo key. */
export async function api(
  emulator: Reached,
  method: string,
  path: string,
  body?: unknown,
  key: string | undefined = emulator.apiKey,
): Promise<Answer> {
  return answerOf(
    await fetch(`${emulator.url}${path}`, {
      method,
      headers: {
        ...(key === undefined || key === '' ? {} : { authorization: key }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }),
  );
}

/** An object inside an answer. */
export function member(body: Json, ...path: string[]): Json {
  return path.reduce((value, name) => value[name] as Json, body);
}

let counter = 0;

/** Registers a client as the setup tool does, refresh corrections included; `settings` override. @returns its id */
export async function registerClient(
  emulator: Reached,
  settings: Json = {},
  scope: Json = { required: true },
): Promise<string> {
  counter += 1;
  const created = await api(emulator, 'POST', '/api/application', {
    application: {
      name: `Client ${counter}`,
      oauthConfiguration: {
        authorizedRedirectURLs: [redirectUri],
        authorizedResourceUris: [resource],
        authorizedURLValidationPolicy: 'ExactMatch',
        clientAuthenticationPolicy: 'NotRequired',
        enabledGrants: ['authorization_code', 'refresh_token'],
        generateRefreshTokens: true,
        proofKeyForCodeExchangePolicy: 'Required',
        relationship: 'ThirdParty',
        scopeHandlingPolicy: 'Strict',
        ...settings,
      },
    },
  });
  const id = member(created.body, 'application')['id'] as string;
  await api(emulator, 'POST', `/api/application/${id}/scope`, {
    scope: { name: 'get_name', defaultConsentMessage: 'Read your name', ...scope },
  });
  return id;
}

export function decode(token: unknown): { header: Json; claims: Json } {
  const [header = '', claims = ''] = String(token).split('.');
  const read = (part: string): Json => JSON.parse(Buffer.from(part, 'base64url').toString()) as Json;
  return { header: read(header), claims: read(claims) };
}

export const newVerifier = (): string => randomBytes(32).toString('base64url');
export const challengeOf = (verifier: string): string =>
  createHash('sha256').update(verifier).digest('base64url');

/** Parameters of an authorization request; undefined leaves one out. */
export type Changes = Record<string, string | readonly string[] | undefined>;

/** One client's way through a sign-in, step by step. */
export class SignIn {
  readonly emulator: Reached;
  readonly clientId: string;
  readonly browser: FormBrowser;
  readonly verifier = newVerifier();

  constructor(emulator: Reached, clientId: string, browser = new FormBrowser()) {
    this.emulator = emulator;
    this.clientId = clientId;
    this.browser = browser;
  }

  authorizationUrl(changes: Changes = {}): URL {
    const url = new URL('/oauth2/authorize', this.emulator.url);
    const parameters: Changes = {
      client_id: this.clientId,
      redirect_uri: redirectUri,
      response_type: 'code',
      scope: 'openid profile offline_access get_name',
      state: 'the-state',
      code_challenge: challengeOf(this.verifier),
      code_challenge_method: 'S256',
      resource,
      ...changes,
    };
    for (const [name, value] of Object.entries(parameters)) {
      for (const item of value === undefined || typeof value === 'string' ? [value] : value) {
        if (item !== undefined) url.searchParams.append(name, item);
      }
    }
    return url;
  }

  authorize(changes: Changes = {}): Promise<Visit> {
    return this.browser.open(this.authorizationUrl(changes));
  }

  login(page: Visit, credentials: { loginId: string; password: string } = testUser): Promise<Visit> {
    const { loginId, password } = credentials;
    return this.browser.submit(page, { loginId, password });
  }

  /** Allows; `ticked` replaces the optional scopes that are ticked. */
  allow(page: Visit, ticked: readonly string[] = formOf(page).fields.getAll('scope')): Promise<Visit> {
    return this.browser.submit(page, { scope: ticked, decision: 'allow' });
  }

  /** All of it, to the code. */
  async code(changes: Changes = {}): Promise<string> {
    let visit = await this.authorize(changes);
    if (visit.url.pathname.startsWith('/oauth2/login')) visit = await this.login(visit);
    if (visit.url.pathname.startsWith('/oauth2/consent')) visit = await this.allow(visit);
    const code = visit.url.searchParams.get('code');
    if (code === null) throw new Error(`No code: ${visit.url.href}\n${visit.text}`);
    return code;
  }

  exchange(code: string, changes: Changes = {}, headers: Record<string, string> = {}): Promise<Answer> {
    return this.token(
      {
        grant_type: 'authorization_code',
        client_id: this.clientId,
        code,
        code_verifier: this.verifier,
        redirect_uri: redirectUri,
        resource,
        ...changes,
      },
      headers,
    );
  }

  refresh(
    refreshToken: unknown,
    changes: Changes = {},
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    return this.token(
      {
        grant_type: 'refresh_token',
        client_id: this.clientId,
        refresh_token: String(refreshToken),
        ...changes,
      },
      headers,
    );
  }

  async token(parameters: Changes, headers: Record<string, string> = {}): Promise<Answer> {
    const body = new URLSearchParams();
    for (const [name, value] of Object.entries(parameters)) {
      for (const item of value === undefined || typeof value === 'string' ? [value] : value) {
        if (item !== undefined) body.append(name, item);
      }
    }
    return answerOf(await fetch(`${this.emulator.url}/oauth2/token`, { method: 'POST', body, headers }));
  }

  /** Signed in, with tokens. */
  async tokens(changes: Changes = {}): Promise<Json> {
    const answer = await this.exchange(await this.code(changes));
    if (answer.status !== 200) throw new Error(`The token request failed: ${answer.text}`);
    return answer.body;
  }
}

/** Calls with a bearer token. */
export async function bearer(
  emulator: Emulator,
  path: string,
  token: unknown,
  init: RequestInit = {},
): Promise<Answer> {
  return answerOf(
    await fetch(`${emulator.url}${path}`, { ...init, headers: { authorization: `Bearer ${String(token)}` } }),
  );
}
