import { describe, expect, it } from 'vitest';
import type { Era } from '../../src/bridge/era.ts';
import { Reception } from '../../src/bridge/reception.ts';
import { openConnection } from '../../src/proxy.ts';
import { AuthorizationServer, clientId } from '../support/authorization-server.ts';
import { bridgedHost, type Message } from '../support/bridged-host.ts';
import { visit } from '../support/browser.ts';
import { freePort } from '../support/loopback-server.ts';
import { recordedLog } from '../support/recorded-log.ts';
import { configOf } from '../support/sign-in-commands.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { addTool, methodsOf, toolServer, type ToolServerSettings } from '../support/tool-server.ts';

const clientInfo = { name: 'host', version: '1' };
const _meta = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': clientInfo,
  'io.modelcontextprotocol/clientCapabilities': {},
};
const signInTool = { name: 'sign_in', inputSchema: { type: 'object' } };

/** A host that nobody has signed in yet, and that was given the tool that signs in. */
async function signedOut(era: Era, tools: ToolServerSettings['tools'] = [addTool]) {
  const provider = await AuthorizationServer.start();
  const server = await toolServer({
    provider,
    tools,
    answer: ({ name }) =>
      tools.some((tool) => tool['name'] === name)
        ? { result: { content: [{ type: 'text', text: `the server’s ${name}` }] } }
        : { error: { code: -32_602, message: `Tool ${name} not found` } },
  });
  const info = JSON.stringify({ client_id: clientId });
  const argv = [server.resource.href, String(await freePort()), '--no-browser', '--token-store', 'memory'];
  const config = configOf(await temporaryFolder(), [...argv, '--static-oauth-client-info', info]);
  const { log } = recordedLog();
  const shutdown = new AbortController();
  const connection = openConnection(config, server.resource, log, shutdown.signal);
  const { notice } = connection;
  const host = bridgedHost(server.resource, {
    shutdown,
    side: ({ onMessage }) =>
      new Reception(connection.openSide(onMessage), {
        ...connection,
        server: server.resource,
        onMessage,
        log,
      }),
  });
  let id = 0;
  const ask = (method: string, params: Record<string, unknown> = {}): Promise<Message> => {
    id += 1;
    return host.request(id, method, era === 'modern' ? { _meta, ...params } : params);
  };
  const greet = (): Promise<Message> =>
    era === 'modern'
      ? ask('server/discover')
      : ask('initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo });
  await greet();
  if (era === 'legacy') host.send({ method: 'notifications/initialized' });
  else
    host.send({
      id: 'changes',
      method: 'subscriptions/listen',
      params: { _meta, notifications: { toolsListChanged: true } },
    });
  const names = async (): Promise<unknown[]> => {
    const listed = (await ask('tools/list')).result?.['tools'] as { readonly name: string }[];
    return listed.map(({ name }) => name);
  };
  expect(await names()).toEqual(['sign_in']);
  return {
    provider,
    server,
    notice,
    names,
    greet,
    /** What a call of the tool is answered. */
    call: async (): Promise<string> => {
      const { result, error } = await ask('tools/call', { name: 'sign_in', arguments: {} });
      const [content] = (result?.['content'] ?? []) as { readonly text: string }[];
      return content?.text ?? `error: ${String(error?.message)}`;
    },
    /** Signs in; resolves when the host is told that the server's own tools are there. */
    signIn: async (): Promise<void> => {
      await visit(notice.url ?? 'http://no.sign-in.waits/');
      await host.when(({ method }) => method === 'notifications/tools/list_changed');
    },
  };
}

describe.each(['legacy', 'modern'] as const)(
  'the tool that signs in, called by a %s host after the sign-in',
  (era) => {
    const words = (server: URL): string =>
      `You are signed in to ${server.href}. Its tools are listed now: add.`;

    it('answers before the host has asked for the new list', async () => {
      const { server, signIn, call } = await signedOut(era);
      await signIn();
      expect(await call()).toBe(words(server.resource));
      expect(methodsOf(server)).not.toContain('tools/call');
    });

    it('answers long after the host has been given the new list, and when it has greeted anew', async () => {
      const { server, signIn, call, names, greet } = await signedOut(era);
      await signIn();
      expect(await names()).toEqual(['add']);
      expect(await call()).toBe(words(server.resource));
      await greet();
      expect(await call()).toBe(words(server.resource));
      expect(methodsOf(server)).not.toContain('tools/call');
    });

    it('says where to sign in when that is needed again', async () => {
      const { provider, signIn, call, names, notice } = await signedOut(era);
      await signIn();
      await names();
      provider.expireAccessTokens();
      provider.revokeRefreshTokens();
      const answer = await call();
      expect(answer).toContain(`open ${String(notice.url)} in a browser`);
      expect(notice.url?.searchParams.get('client_id')).toBe(clientId);
    });

    it('is the server’s own once the host has been given one of that name', async () => {
      const { signIn, call, names } = await signedOut(era, [signInTool]);
      await signIn();
      expect(await names()).toEqual(['sign_in']);
      expect(await call()).toBe('the server’s sign_in');
    });
  },
);
