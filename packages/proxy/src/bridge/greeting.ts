import type { Era } from './era.ts';
import { modernVersion, newestLegacyVersion } from './era.ts';
import { objectOf, type JsonObject, type Message } from './message.ts';

/** The name of Keyhole's own tool, which is there while nobody is signed in and no tool of the server is known. */
export const signInTool = 'sign_in';

/** The protocol versions of the legacy era. */
export const legacyVersions = ['2024-11-05', '2025-03-26', '2025-06-18', newestLegacyVersion];

/** The list methods, what they list, and the capability that a server has them by. */
export const lists: Readonly<Record<string, { readonly key: string; readonly capability: string }>> = {
  'tools/list': { key: 'tools', capability: 'tools' },
  'prompts/list': { key: 'prompts', capability: 'prompts' },
  'resources/list': { key: 'resources', capability: 'resources' },
  'resources/templates/list': { key: 'resourceTemplates', capability: 'resources' },
};

/** What a result of the modern era has besides. */
const modernPart = { resultType: 'complete', ttlMs: 0, cacheScope: 'private' } as const;

/** Whether a message is what a host begins with. */
export function isGreeting({ method }: Message): boolean {
  return method === 'initialize' || method === 'server/discover';
}

/** What a person, or a model on his behalf, is told about a sign-in that is waited for. */
export function signInWords(server: URL, url: URL): string {
  return `You are not signed in to ${server.href} yet: open ${url.href} in a browser.`;
}

/**
 * The answer to a host's greeting while nothing is known of the server.
 *
 * @param url where the user signs in, if that is what is waited for
 */
export function placeholderGreeting(
  greeting: Message,
  era: Era,
  server: URL,
  url: URL | undefined,
): JsonObject {
  const listChanged = { listChanged: true };
  const capabilities = { tools: listChanged, prompts: listChanged, resources: listChanged };
  const serverInfo = { name: server.host, version: process.env['KEYHOLE_VERSION'] ?? 'development' };
  const instructions =
    url === undefined
      ? `${server.href} has not answered yet. What it offers is listed as soon as it does.`
      : `${signInWords(server, url)} Or call the tool ${signInTool}. Afterwards its tools are listed.`;
  if (era === 'modern') {
    const _meta = { 'io.modelcontextprotocol/serverInfo': serverInfo };
    return { ...modernPart, supportedVersions: [modernVersion], capabilities, instructions, _meta };
  }
  const asked = legacyVersions.find((version) => version === greeting.params['protocolVersion']);
  return { protocolVersion: asked ?? newestLegacyVersion, capabilities, serverInfo, instructions };
}

/** A greeting of earlier, with a word about the sign-in that is waited for. */
export function rememberedGreeting(result: JsonObject, server: URL, url: URL | undefined): JsonObject {
  if (url === undefined) return result;
  const { instructions } = result;
  const words = signInWords(server, url);
  return {
    ...result,
    instructions: typeof instructions === 'string' ? `${instructions}\n\n${words}` : words,
  };
}

/** A list while nothing is known of the server: of tools the one that signs in, if that is what is needed. */
export function placeholderList(method: string, era: Era, server: URL, why: string | undefined): JsonObject {
  const tool = {
    name: signInTool,
    title: `Sign in to ${server.host}`,
    description:
      `${why ?? ''} Call this tool to sign in to ${server.href}; its own tools are listed afterwards.`.trim(),
    inputSchema: { type: 'object', properties: {} },
  };
  const entries = method === 'tools/list' && why !== undefined ? [tool] : [];
  const key = lists[method]?.key ?? '';
  return era === 'modern' ? { ...modernPart, [key]: entries } : { [key]: entries };
}

/** Whether the server has what a list method lists, by the result of a greeting. */
export function offers(greeting: JsonObject, method: string): boolean {
  return objectOf(greeting['capabilities'])[lists[method]?.capability ?? ''] !== undefined;
}

/** The names of the tools in a list's result; empty where it is of something else. */
export function toolsOf(result: JsonObject | undefined): readonly unknown[] {
  const tools = result?.['tools'];
  return Array.isArray(tools) ? tools.map((tool) => objectOf(tool)['name']) : [];
}

/** A tool's answer of plain text. */
export function textResult(text: string, era: Era): JsonObject {
  const content = [{ type: 'text', text }];
  return era === 'modern' ? { resultType: 'complete', content } : { content };
}
