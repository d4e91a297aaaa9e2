import { mkdtemp, rm } from 'node:fs/promises';
import type { ServerOptions } from 'node:https';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { errors } from '../../src/errors.ts';
import { ConnectionLost, NotSent } from '../../src/http/failures.ts';
import { createFetch, type NetworkSettings } from '../../src/network.ts';
import {
  privateAuthority,
  sealedKey,
  type Certified,
  type PrivateAuthority,
} from '../support/certificates.ts';
import { failureOf } from '../support/failure.ts';
import { forwardProxy } from '../support/forward-proxy.ts';
import { networkSettings } from '../support/network-settings.ts';
import { direct, exchangeThrough, requestTo, textOf, ways } from '../support/ways.ts';
import { wireServer, type WireServer } from '../support/wire-server.ts';

let folder: string;
let company: PrivateAuthority;
let partner: PrivateAuthority;
let ofCompany: Certified;
let ofPartner: Certified;
let client: Certified;
let stranger: Certified;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'keyhole-test-'));
  company = await privateAuthority(folder, 'company');
  partner = await privateAuthority(folder, 'partner');
  const names = ['DNS:localhost', 'IP:127.0.0.1', 'DNS:mcp.example.test'];
  ofCompany = await company.issue('server', names);
  ofPartner = await partner.issue('server', names);
  client = await company.issue('client');
  stranger = await partner.issue('client');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Of a server that asks for a certificate, and does without. */
const asking = (): ServerOptions => ({
  ...ofCompany,
  ca: company.cert,
  requestCert: true,
  rejectUnauthorized: false,
});

/** The name in the certificate of the other end, if there is one. */
function holderOf(socket: Socket): string | undefined {
  if (!(socket instanceof TLSSocket)) throw new TypeError('it is not over TLS');
  const { subject } = socket.getPeerCertificate() as { subject?: { CN: string } };
  return subject?.CN;
}

/** A server over TLS that answers with the name in the client's certificate. */
const tlsServer = (tls: ServerOptions): Promise<WireServer> =>
  wireServer(
    (request, response) => {
      response.end(`hello ${holderOf(request.socket) ?? 'whoever you are'}`);
    },
    { tls },
  );

describe.each(ways)('TLS $name', ({ host, open }) => {
  const ask = async (
    { port }: WireServer,
    settings: Partial<NetworkSettings> = {},
    env: Record<string, string> = {},
  ): Promise<string> => {
    const exchange = await open(settings, env);
    return textOf(await exchange(requestTo(`https://${host}:${port}/mcp`)));
  };

  it('refuses the certificate of an authority that nobody knows, and sends nothing', async () => {
    const server = await tlsServer(ofCompany);
    const failure = await failureOf(() => ask(server));
    expect(failure).toBeInstanceOf(NotSent);
    expect(failure.message).toMatch(/certificate/u);
    expect(server.requests).toBe(0);
    const url = new URL('https://mcp.example.com/mcp');
    expect(errors.serverUnreachable(url, failure.message, failure).remedy).toContain('--ca-file FILE');
  });

  it('accepts it with --ca-file, and of that authority alone', async () => {
    const settings = { caFile: company.cert };
    expect(await ask(await tlsServer(ofCompany), settings)).toBe('hello whoever you are');
    const other = await tlsServer(ofPartner);
    expect(await failureOf(() => ask(other, settings))).toBeInstanceOf(NotSent);
    expect(other.requests).toBe(0);
  });

  it('keeps the authorities of NODE_EXTRA_CA_CERTS beside that of --ca-file', async () => {
    const settings = { caFile: company.cert };
    const env = { NODE_EXTRA_CA_CERTS: partner.file };
    expect(await ask(await tlsServer(ofCompany), settings, env)).toContain('hello');
    expect(await ask(await tlsServer(ofPartner), settings, env)).toContain('hello');
  });

  it('does without NODE_EXTRA_CA_CERTS when that cannot be read, as Node does', async () => {
    const env = { NODE_EXTRA_CA_CERTS: path.join(folder, 'no-such-file.pem') };
    expect(await ask(await tlsServer(ofCompany), { caFile: company.cert }, env)).toContain('hello');
  });

  it('refuses a certificate for another name', async () => {
    const server = await tlsServer(await company.issue('elsewhere', ['DNS:elsewhere.example.test']));
    const failure = await failureOf(() => ask(server, { caFile: company.cert }));
    expect(failure).toBeInstanceOf(NotSent);
    expect(failure.message).toMatch(/does not match certificate's altnames/u);
    expect(server.requests).toBe(0);
    // Trust would not help here.
    const url = new URL('https://mcp.example.com/mcp');
    expect(errors.serverUnreachable(url, failure.message, failure).remedy).not.toContain('--ca-file');
  });

  it('shows the certificate of the client to a server that asks for one', async () => {
    const server = await tlsServer(asking());
    const settings = { caFile: company.cert };
    expect(await ask(server, { ...settings, ...client })).toBe('hello client');
    expect(await ask(server, settings)).toBe('hello whoever you are');
  });

  it('opens its key with the passphrase of the environment', async () => {
    const server = await tlsServer(asking());
    const settings = {
      caFile: company.cert,
      cert: client.cert,
      key: await sealedKey(folder, client.key, 'open!'),
    };
    const passphrase = (MCP_KEYHOLE_KEY_PASSPHRASE: string) => ({ MCP_KEYHOLE_KEY_PASSPHRASE });
    expect(await ask(server, settings, passphrase('open!'))).toBe('hello client');
    for (const env of [passphrase('wrong'), {}]) {
      expect(await failureOf(() => ask(server, settings, env))).toBeInstanceOf(NotSent);
    }
    expect(server.requests).toBe(1);
  });

  it('says that a key does not belong to its certificate', async () => {
    const server = await tlsServer(ofCompany);
    const settings = { caFile: company.cert, cert: client.cert, key: stranger.key };
    const failure = await failureOf(() => ask(server, settings));
    expect(failure).toBeInstanceOf(NotSent);
    expect(failure.message).toMatch(/key values mismatch/u);
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'gets nothing done at a server that insists on another certificate: %s',
    async (version) => {
      const versions = { minVersion: version, maxVersion: version };
      const server = await tlsServer({ ...asking(), ...versions, rejectUnauthorized: true });
      const settings = { caFile: company.cert };
      for (const own of [{}, stranger]) {
        // Of TLS 1.3 the client learns it when it may have sent something.
        const failure = await failureOf(() => ask(server, { ...settings, ...own }));
        expect([NotSent, ConnectionLost]).toContain(failure.constructor);
      }
      expect(server.requests).toBe(0);
      expect(await ask(server, { ...settings, ...client })).toBe('hello client');
    },
  );

  it('keeps its connection for the next request', async () => {
    const server = await tlsServer(ofCompany);
    const exchange = await open({ caFile: company.cert });
    for (let count = 0; count < 3; count += 1) {
      const response = await exchange(requestTo(`https://${host}:${server.port}/mcp`));
      await textOf(response);
      await new Promise(setImmediate);
    }
    expect(server.requests).toBe(3);
    expect(server.sockets.length).toBeLessThan(3);
  });
});

describe('a server that insists on a certificate', () => {
  it('is understood when it says so: nothing was sent', async () => {
    const server = await tlsServer({ ...asking(), minVersion: 'TLSv1.3', rejectUnauthorized: true });
    const exchange = await direct.open({ caFile: company.cert });
    const failure = await failureOf(() => exchange(requestTo(`https://localhost:${server.port}/`)));
    expect(failure).toBeInstanceOf(NotSent);
    expect(failure.message).toBe('tlsv13 alert certificate required');
    expect(server.requests).toBe(0);
  });
});

describe('the fetch of sign-ins', () => {
  it('trusts the same authorities', async () => {
    const { port } = await tlsServer(ofCompany);
    const url = `https://localhost:${port}/`;
    const own = createFetch({ ...networkSettings, caFile: company.cert }, {});
    expect(await (await own(url)).text()).toContain('hello');
    expect(await failureOf(() => createFetch(networkSettings, {})(url))).toBeInstanceOf(TypeError);
  });
});

describe('a proxy that is reached over TLS', () => {
  it('is trusted with --ca-file too, and is not shown the certificate of the client', async () => {
    const server = await tlsServer(asking());
    const proxy = await forwardProxy({ tls: asking() });
    const named = { url: proxy.url.replace('127.0.0.1', 'localhost') };
    const settings = { caFile: company.cert, ...client };
    const request = requestTo(`https://mcp.example.test:${server.port}/mcp`);
    expect(await textOf(await exchangeThrough(named, settings)(request))).toBe('hello client');
    expect([proxy.asked.length, proxy.shown]).toEqual([1, []]);
    expect(await failureOf(() => exchangeThrough(named)(request))).toBeInstanceOf(NotSent);
  });
});
