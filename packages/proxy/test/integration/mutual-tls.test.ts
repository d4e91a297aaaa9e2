import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { openConnection } from '../../src/proxy.ts';
import { AuthorizationServer } from '../support/authorization-server.ts';
import { privateAuthority, type Certified, type PrivateAuthority } from '../support/certificates.ts';
import { refusalOf } from '../support/failure.ts';
import { recordedLog } from '../support/recorded-log.ts';
import { configOf } from '../support/sign-in-commands.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

let folder: string;
let company: PrivateAuthority;
let ofServer: Certified;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'keyhole-test-'));
  company = await privateAuthority(folder, 'company');
  ofServer = await company.issue('server', ['DNS:localhost']);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Files of a client's certificate and key. */
async function certificate(name: string, authority = company): Promise<{ cert: string; key: string }> {
  const { cert, key } = await authority.issue(name);
  const files = { cert: path.join(folder, `${name}.crt`), key: path.join(folder, `${name}.pem`) };
  await writeFile(files.cert, cert);
  await writeFile(files.key, key);
  return files;
}

/** An authorization server that knows its client by a certificate, at a token endpoint of its own for that. */
async function scene(...flags: string[]) {
  const provider = await AuthorizationServer.start();
  const seen: string[] = [];
  const tls = createServer(
    { ...ofServer, ca: company.cert, requestCert: true, rejectUnauthorized: false },
    (request, response) => {
      const { socket } = request;
      const holder =
        socket instanceof TLSSocket && socket.authorized
          ? String(socket.getPeerCertificate().subject.CN)
          : '';
      seen.push(holder);
      void text(request).then((body) => {
        const form = new URLSearchParams(body);
        const isClient = holder !== '' && form.get('client_id') === holder && !form.has('client_secret');
        const { status, content } = isClient
          ? provider.tokens.token({ method: 'POST', path: '/token', headers: {}, body })
          : { status: 401, content: { error: 'invalid_client' } };
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(content));
      });
    },
  ).listen(0, 'localhost');
  await once(tls, 'listening');
  onTestFinished(() => void tls.close());
  const tokenEndpoint = `https://localhost:${String((tls.address() as AddressInfo).port)}/token`;
  provider.behaviour = {
    metadata: (correct) => ({
      ...correct,
      token_endpoint_auth_methods_supported: ['tls_client_auth'],
      mtls_endpoint_aliases: { token_endpoint: tokenEndpoint },
    }),
  };
  provider.clients.add({ id: 'service-1', authentication: 'tls_client_auth' });
  const info = ['--static-oauth-client-info', '{"client_id":"service-1"}', '--client-credentials'];
  const argv = [
    provider.resource.href,
    ...info,
    '--token-store',
    'memory',
    '--ca-file',
    company.file,
    ...flags,
  ];
  const config = configOf(await temporaryFolder(), argv);
  const { log } = recordedLog();
  const { bearerToken } = openConnection(config, provider.resource, log, new AbortController().signal);
  return { provider, seen, bearerToken };
}

describe('a client with a certificate', () => {
  it('gets a token at the endpoint for certificates, and at no other (RFC 8705, section 5)', async () => {
    const { cert, key } = await certificate('service-1');
    const { provider, seen, bearerToken } = await scene(
      '--token-endpoint-cert',
      cert,
      '--token-endpoint-key',
      key,
    );
    await bearerToken.onUnauthorized(undefined, {});
    expect(await bearerToken.token()).toMatch(/^access-/u);
    expect(seen).toEqual(['service-1']);
    expect(provider.requestsTo('/token')).toEqual([]);
  });

  it('may have the same for the MCP server and the token endpoint', async () => {
    const { cert, key } = await certificate('service-1');
    const method = ['--token-endpoint-auth-method', 'tls_client_auth'];
    const { seen, bearerToken } = await scene('--cert', cert, '--key', key, ...method);
    await bearerToken.onUnauthorized(undefined, {});
    expect(seen).toEqual(['service-1']);
  });

  it('shows the authorization server its own, not the one for the MCP server', async () => {
    const [ours, other] = [await certificate('service-1'), await certificate('for-the-server')];
    const both = ['--token-endpoint-cert', ours.cert, '--token-endpoint-key', ours.key];
    const { seen, bearerToken } = await scene('--cert', other.cert, '--key', other.key, ...both);
    await bearerToken.onUnauthorized(undefined, {});
    expect(seen).toEqual(['service-1']);
  });

  it.each([
    ['of another holder', () => certificate('stranger')],
    [
      'of an unknown authority',
      async () => certificate('service-1', await privateAuthority(folder, 'nobody')),
    ],
  ])('%s gets none', async (_what, files) => {
    const { cert, key } = await files();
    const { bearerToken } = await scene('--token-endpoint-cert', cert, '--token-endpoint-key', key);
    const { code } = await refusalOf(() => bearerToken.onUnauthorized(undefined, {}));
    expect(code).toBe('token-request-failed');
  });
});
