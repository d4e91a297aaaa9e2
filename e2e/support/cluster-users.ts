import { randomUUID } from 'node:crypto';
import {
  registerClient,
  signIn,
  type AuthorizationServer,
} from '../../packages/server/test/support/sign-in.ts';
import { Load } from './load.ts';

/** A user who has signed in. */
export interface User {
  /** FusionAuth's, `sub` of the token. */
  readonly id: string;
  readonly greeting: string;
  readonly token: string;
}

/** Sign-ins at once: each hashes a password, which takes a processor. */
const concurrency = 4;

/** Makes users in FusionAuth, by its API, and signs them in to one client, each by his password. */
export class UserBase {
  readonly #fusionAuth: AuthorizationServer;
  readonly #resource: string;
  readonly #clientId: string;
  #count = 0;

  private constructor(fusionAuth: AuthorizationServer, resource: string, clientId: string) {
    this.#fusionAuth = fusionAuth;
    this.#resource = resource;
    this.#clientId = clientId;
  }

  static async start(fusionAuth: AuthorizationServer, resource: string): Promise<UserBase> {
    return new UserBase(fusionAuth, resource, await registerClient(fusionAuth, resource));
  }

  async add(count: number): Promise<User[]> {
    const users: User[] = [];
    const one = async (): Promise<void> => void users.push(await this.#addOne());
    await new Load(
      Array.from({ length: count }, () => one),
      concurrency,
    ).run();
    return users;
  }

  /** Tokens that must not be accepted, each for another reason. */
  async badTokens(): Promise<string[]> {
    const [victim, other] = await this.add(2);
    if (victim === undefined || other === undefined) throw new Error('There are no users.');
    const foreign = 'http://localhost:1/mcp';
    const foreignClient = await registerClient(this.#fusionAuth, foreign);
    const [header = '', payload = '', signature = ''] = victim.token.split('.');
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object;
    const altered = Buffer.from(JSON.stringify({ ...claims, sub: other.id })).toString('base64url');
    const unsigned = Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url');
    return [
      await this.#expiredToken(),
      // Of another resource, and of none.
      await signIn(this.#fusionAuth, foreignClient, foreign),
      await signIn(this.#fusionAuth, this.#clientId, undefined),
      [header, altered, signature].join('.'),
      [unsigned, payload, ''].join('.'),
      'invented',
    ];
  }

  async #addOne(): Promise<User> {
    this.#count += 1;
    const [id, lastName, password] = [randomUUID(), `No. ${this.#count}`, randomUUID()];
    const email = `user${this.#count}@example.com`;
    await this.#api('POST', `/api/user/${id}`, { user: { email, password, firstName: 'User', lastName } });
    const token = await signIn(this.#fusionAuth, this.#clientId, this.#resource, {
      loginId: email,
      password,
    });
    return { id, greeting: `Hello, User ${lastName}!`, token };
  }

  /** One that FusionAuth issued two hours ago, by its clock. */
  async #expiredToken(): Promise<string> {
    await this.#api('PUT', '/emulator/faults', { faults: [], clockShiftSeconds: -7_200 });
    try {
      return await signIn(this.#fusionAuth, this.#clientId, this.#resource);
    } finally {
      await this.#api('DELETE', '/emulator/faults');
    }
  }

  async #api(method: string, path: string, body?: object): Promise<void> {
    const response = await fetch(new URL(path, this.#fusionAuth.url), {
      method,
      headers: { authorization: this.#fusionAuth.apiKey, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const answer = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${answer}`);
  }
}
