import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createLog } from '@mcp-keyhole/cli-kit';
import { startEmulator, type Emulator, type EmulatorOptions } from '@mcp-keyhole/fusionauth-emulator';
import { FormBrowser, type Visit } from '../../../fusionauth-emulator/test/support/form-browser.ts';
import { connectFusionAuth } from '../../src/fusionauth.ts';
import { findPortalClient, type PortalClient } from '../../src/portal/portal-client.ts';
import { createPortal } from '../../src/portal/portal.ts';
import type { Certified } from '../../../proxy/test/support/certificates.ts';
import { startInterference, type CannedAnswer } from './loopback-server.ts';
import { TlsFront } from './tls-front.ts';

/** Users of the emulator; the first two are the kickstart's. */
export const users = {
  test: { loginId: 'test@example.com', password: 'password' },
  admin: { loginId: 'admin@example.com', password: 'password' },
} as const;

export const mcpServerUrl = 'http://localhost:8000';

/** A portal before an emulator, both listening. */
export interface PortalScene {
  readonly url: string;
  /** Where it listens itself: something else than its URL with `tls`. */
  readonly listening: string;
  readonly emulator: Emulator;
  readonly client: PortalClient;
  /** What the portal logged. */
  readonly log: () => string;
  /** Lets the portal's clock run ahead, in milliseconds. */
  readonly pass: (milliseconds: number) => void;
  /** Calls FusionAuth's management API. */
  readonly admin: <Body>(method: string, path: string, body?: object) => Promise<Body>;
  /** A new browser, which nobody has used. */
  readonly visitor: () => Visitor;
  readonly close: () => Promise<void>;
}

/** Starts a scene; whoever starts it closes it. */
export async function portalScene(
  options: EmulatorOptions & {
    maxClients?: number;
    /** Names of the scopes that each client gets. */
    scopes?: readonly string[];
    /** What a reverse proxy before it has: then its URL is https. */
    tls?: Certified;
    interfere?: (request: string) => CannedAnswer | 'silence' | undefined;
  } = {},
): Promise<PortalScene> {
  const {
    maxClients = 20,
    scopes = ['get_name', 'set_greeting', 'countdown'],
    tls,
    interfere,
    ...emulatorOptions
  } = options;
  const emulator = await startEmulator({ port: 0, ...emulatorOptions });
  const apiKey = emulator.apiKey ?? '';
  const between = interfere === undefined ? undefined : await startInterference(emulator.url, interfere);
  const fusionAuthUrl = between?.url ?? emulator.url;
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const listening = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  const front = tls === undefined ? undefined : await TlsFront.start(tls, () => listening);
  const url = front?.url ?? listening;
  const fusionAuth = connectFusionAuth({ url: fusionAuthUrl, apiKey });
  const client = await findPortalClient(fusionAuth, url);
  let log = '';
  let ahead = 0;
  server.on(
    'request',
    createPortal(
      {
        portalUrl: url,
        fusionAuthUrl,
        publicUrl: emulator.url,
        mcpServerUrl,
        tenantId: undefined,
        maxClients,
        scopes,
      },
      {
        fusionAuth,
        client,
        log: createLog({ program: 'portal', level: 'info', write: (line) => void (log += line) }),
        now: () => performance.now() + ahead,
      },
    ),
  );
  return {
    url,
    listening,
    emulator,
    client,
    log: () => log,
    pass: (milliseconds) => void (ahead += milliseconds),
    async admin(method, path, body) {
      const response = await fetch(`${emulator.url}${path}`, {
        method,
        headers: { authorization: apiKey, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      if (response.status !== 200) throw new Error(`${method} ${path}: ${await response.text()}`);
      return JSON.parse((await response.text()) || '{}') as never;
    },
    visitor: () => new Visitor(url),
    async close() {
      front?.close();
      server.close();
      server.closeAllConnections();
      await Promise.all([between?.close(), emulator.close()]);
    },
  };
}

/** Somebody with a browser without scripts. */
export class Visitor {
  readonly portal = new FormBrowser();
  readonly fusionAuth = new FormBrowser();
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  open(path: string): Promise<Visit> {
    return this.portal.open(`${this.#url}${path}`);
  }

  /** The Cookie header of the portal's pages. */
  cookies(): string {
    return this.portal.cookiesFor(new URL(this.#url));
  }

  /** Goes to FusionAuth, logs in, and stops with the authorization response, which is not opened yet. */
  async authorize(user: { loginId: string; password: string }, path = '/sign-in'): Promise<URL> {
    const { url } = await this.open(path);
    const response = await this.fusionAuth.submit(await this.fusionAuth.open(url), user);
    return response.url;
  }

  /** Signs in, and returns the page that follows. */
  async signIn(user: { loginId: string; password: string }, path?: string): Promise<Visit> {
    return this.portal.open(await this.authorize(user, path));
  }

  /** Sends the last form of a page: the one before it is that of signing out. */
  submit(page: Visit, values: Record<string, string> = {}): Promise<Visit> {
    return this.portal.submit({ ...page, text: page.text.slice(page.text.lastIndexOf('<form')) }, values);
  }

  /** Registers a client, and returns its page. */
  async register(name: string, values: Record<string, string> = {}): Promise<Visit> {
    return this.submit(await this.open('/clients/new'), { name, host: 'cursor', port: '3334', ...values });
  }
}

/** The text of a page's only `<textarea>` with that id, as the browser has it. */
export function textOf({ text }: Visit, id: string): string {
  const content = new RegExp(`<textarea id="${id}"[^>]*>\n?([^<]*)</textarea`, 'u').exec(text)?.[1] ?? '';
  return content
    .replaceAll('&quot;', '"')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
}
