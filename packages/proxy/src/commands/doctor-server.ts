import { cleanLine, type Log } from '@mcp-keyhole/cli-kit';
import type { Discovery } from '../authorization/types.ts';
import type { ProxyConfig } from '../config.ts';
import { errors, ProxyError } from '../errors.ts';
import { openConnection, type Connection } from '../proxy.ts';
import type { TokenSet } from '../token-store/token-store.ts';
import { examineAuthorization } from './doctor-authorization.ts';
import { examineClient } from './doctor-client.ts';
import { check, fine, warning, wrong, type Finding, type Verdict } from './finding.ts';
import { lookAt, type Look } from './server-look.ts';
import { expiryInWords } from './sign-in-words.ts';

/** Looks at the server and its authorization server, up to where a user would be asked. */
export async function* examineServer(
  config: ProxyConfig,
  server: URL,
  log: Log,
  signal: AbortSignal,
): AsyncGenerator<Finding> {
  const connection = openConnection(config, server, log, signal);
  let look: Look | undefined;
  yield check('server', async () => {
    look = await lookAt(server, {
      endpointOptions: connection.endpointOptions,
      transport: config.transport,
      signal,
    });
    return serverVerdict(look, server);
  });
  if (look?.answer === undefined || look.answer.status >= 500) return;
  const { challenge } = look;
  if (challenge === undefined) {
    yield check('mcp', () => mcpVerdict(look ?? {}, server));
    return;
  }
  yield check('sign-in', () => challengeVerdict(look ?? {}, config, server));
  let discovery: Discovery | undefined;
  try {
    discovery = await connection.discover(challenge);
  } catch (error) {
    if (!(error instanceof ProxyError)) throw error;
    yield { step: discoverySteps[error.code] ?? 'authorization-server', ...wrong(error) };
  }
  if (discovery !== undefined) {
    yield* examineAuthorization(discovery, challenge, config, server);
    yield* examineClient(discovery, config, connection.readCredential);
  }
  const issuer = discovery?.authorizationServer.issuer;
  yield check('stored-sign-in', () => storedVerdict(config, server, connection, issuer, signal));
}

function serverVerdict({ answer, failure }: Look, server: URL): Verdict {
  if (answer === undefined || answer.status >= 500)
    return wrong(failure ?? errors.serverUnreachable(server, 'no answer'));
  return fine(`${server.href} answers (HTTP ${answer.status}, ${answer.milliseconds} ms)`);
}

function mcpVerdict({ identity, failure }: Look, server: URL): Verdict {
  if (identity === undefined)
    return wrong(failure ?? errors.serverAnswerUnusable(server, 'it does not say who it is'));
  const { name, protocol, tools } = identity;
  return fine(`${cleanLine(name, 80)} (protocol ${cleanLine(protocol)}, ${count(tools)}) wants no sign-in`);
}

function challengeVerdict({ challengeHeader }: Look, { headers }: ProxyConfig, server: URL): Verdict {
  if (headers.some(([name]) => name.toLowerCase() === 'authorization')) {
    return wrong({
      message: `${server.href} refuses the Authorization header that --header gives.`,
      remedy: 'Correct that header, or leave it out to sign in.',
    });
  }
  if (challengeHeader === undefined) {
    return warning(
      'wanted, but the 401 has no WWW-Authenticate header',
      'Its operator should send one (RFC 6750, section 3). Keyhole looks at the well-known addresses.',
    );
  }
  return fine(`wanted: ${cleanLine(challengeHeader)}`);
}

const discoverySteps: Readonly<Record<string, string>> = {
  'resource-metadata-missing': 'resource-metadata',
  'resource-mismatch': 'resource',
};

async function storedVerdict(
  config: ProxyConfig,
  server: URL,
  { key, openStore, endpointOptions }: Connection,
  issuer: string | undefined,
  signal: AbortSignal,
): Promise<Verdict> {
  const tokens = config.tokenStore === 'memory' ? undefined : await (await openStore()).load(key);
  if (tokens === undefined) return fine(`none yet; \`mcp-keyhole login ${server.href}\` signs in`);
  if (issuer !== undefined && tokens.issuer !== issuer) {
    return warning(
      `${cleanLine(tokens.issuer)} issued it, but the server now sends its users to ${cleanLine(issuer)}`,
      `Run \`mcp-keyhole logout ${server.href}\`, then \`mcp-keyhole login ${server.href}\`.`,
    );
  }
  const now = Date.now();
  const isBound = tokens.tokenType === 'DPoP' && !config.useIdToken;
  if (!isBound && config.dpop === 'always') {
    return warning(
      'the token is bound to no key, which --dpop always does not use',
      `Run \`mcp-keyhole login ${server.href} --dpop always\`.`,
    );
  }
  const expiry = `${isBound ? 'is bound to a key (DPoP) and ' : ''}${expiryInWords(tokens, now)}`;
  if (tokens.expiresAt !== undefined && tokens.expiresAt <= now) {
    return tokens.refreshToken === undefined
      ? warning(`the token ${expiry}`, `Run \`mcp-keyhole login ${server.href}\`.`)
      : fine(`the token ${expiry}`);
  }
  const { identity, challenge, failure } = await lookAt(server, {
    endpointOptions,
    transport: config.transport,
    token: bearerOf(tokens, config),
    proofKey: isBound ? tokens.proofKey : undefined,
    signal,
  });
  if (identity !== undefined) {
    return fine(
      `accepted by ${cleanLine(identity.name, 80)} (${count(identity.tools)}); the token ${expiry}`,
    );
  }
  if (challenge === undefined) return wrong(failure ?? errors.tokenRefused(server));
  return warning(
    `the server refuses the token, which ${expiry}`,
    'The next request refreshes it, or signs in anew. If that token is refused too, the log of the server says why.',
  );
}

function count(tools: number): string {
  return `${tools} tool${tools === 1 ? '' : 's'}`;
}

function bearerOf(tokens: TokenSet, { useIdToken }: ProxyConfig): string | undefined {
  return useIdToken ? tokens.idToken : tokens.accessToken;
}
