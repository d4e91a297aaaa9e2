// The authorization server `oidc-provider` as shipped, its own pages for login and consent included, in a process of its
// own: what it has to say about being a development set-up stays out of the tests' output.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Provider } from 'oidc-provider';

let handle: RequestListener = (_request, response) => response.writeHead(503).end();
const server = createServer((request, response) => {
  handle(request, response);
}).listen(0, '127.0.0.1');
await once(server, 'listening');
const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

const provider = new Provider(issuer, {
  scopes: ['openid', 'offline_access'],
  features: {
    registration: { enabled: true },
    registrationManagement: { enabled: true },
    revocation: { enabled: true },
    deviceFlow: { enabled: true },
    dPoP: {
      enabled: true,
      nonceSecret: randomBytes(32),
      requireNonce: () => process.argv.includes('nonces'),
    },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_context, resource) => ({
        scope: 'get_name admin',
        audience: resource,
        // A path that says so makes it a server that wants tokens it can read.
        accessTokenFormat: resource.endsWith('/jwt') ? 'jwt' : 'opaque',
      }),
    },
  },
});
handle = (request, response) => {
  void provider.callback()(request, response);
};
process.stdout.write(`${issuer}\n`);
