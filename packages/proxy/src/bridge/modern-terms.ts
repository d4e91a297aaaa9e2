import { modernVersion } from './era.ts';
import { Message, objectOf, type JsonObject, type RequestId, type RpcError } from './message.ts';
import { protocolVersionKey } from './modern-server.ts';

export const clientInfoKey = 'io.modelcontextprotocol/clientInfo';
export const clientCapabilitiesKey = 'io.modelcontextprotocol/clientCapabilities';
export const logLevelKey = 'io.modelcontextprotocol/logLevel';
export const serverInfoKey = 'io.modelcontextprotocol/serverInfo';
export const subscriptionKey = 'io.modelcontextprotocol/subscriptionId';

export const invalidParams = -32_602;
export const methodNotFound = -32_601;
const unsupportedVersion = -32_022;

/** What every request of the modern era says of its sender, and a legacy server does not know. */
const envelopeKeys = [protocolVersionKey, clientInfoKey, clientCapabilitiesKey, logLevelKey];

/** Results that a modern host may keep for a while: it has to be told for how long. */
export const cacheable = new Set([
  'server/discover',
  'tools/list',
  'prompts/list',
  'resources/list',
  'resources/templates/list',
  'resources/read',
]);

/** Methods that the modern era has done away with. The session that they would change is kept here, not by the host. */
const abolished = new Set(['initialize', 'logging/setLevel', 'resources/subscribe', 'resources/unsubscribe']);

/** Why a request is none of the modern era's; undefined where it is. */
export function whyNotModern(method: string, meta: JsonObject): RpcError | undefined {
  const requested = meta[protocolVersionKey];
  if (requested !== undefined && requested !== modernVersion) {
    const data = { supported: [modernVersion], requested };
    return { code: unsupportedVersion, message: 'Unsupported protocol version', data };
  }
  return abolished.has(method)
    ? { code: methodNotFound, message: `Method not found: ${method} (there is none in ${modernVersion})` }
    : undefined;
}

/** The object without some of its fields. */
export function without(object: JsonObject, ...keys: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)));
}

/** What a host can do in both eras: run tasks, and tell of changed roots, a legacy one can alone. */
export function commonCapabilities(own: JsonObject): JsonObject {
  const capabilities = without(own, 'tasks');
  const { roots } = capabilities;
  return roots === undefined
    ? capabilities
    : { ...capabilities, roots: without(objectOf(roots), 'listChanged') };
}

/** A message of a modern host as a legacy server knows it. @param id the one it goes under at the server */
export function inLegacyTerms(message: Message, id?: RequestId): Message {
  const { json } = message;
  const { _meta, ...params } = objectOf(json['params']);
  const meta = without(objectOf(_meta), ...envelopeKeys);
  return Message.of({
    ...json,
    ...(id === undefined ? {} : { id }),
    ...(json['params'] === undefined
      ? {}
      : { params: Object.keys(meta).length === 0 ? params : { ...params, _meta: meta } }),
  });
}

/**
 * A final result of a legacy server as a modern host knows it. Nothing may be kept: the server has not said for how long.
 *
 * @param greeting the result of `initialize`
 */
export function inModernTerms(method: string, result: JsonObject, greeting: JsonObject): JsonObject {
  return signed(
    {
      ...inNewShape(method, result),
      resultType: 'complete',
      ...(cacheable.has(method) ? { ttlMs: 0, cacheScope: 'private' } : {}),
    },
    greeting,
  );
}

/** A result with the name of the server that gave it. */
export function signed(result: JsonObject, { serverInfo }: JsonObject): JsonObject {
  return { ...result, _meta: { [serverInfoKey]: serverInfo, ...objectOf(result['_meta']) } };
}

/** What `server/discover` says, made of what `initialize` said. */
export function discovery(greeting: JsonObject): JsonObject {
  const { instructions } = greeting;
  const capabilities = without(objectOf(greeting['capabilities']), 'tasks');
  const words = instructions === undefined ? {} : { instructions };
  const result = { supportedVersions: [modernVersion], capabilities, ...words };
  return inModernTerms('server/discover', result, greeting);
}

/** Takes out what the modern era has done away with, and puts in what it cannot do without. */
function inNewShape(method: string, result: JsonObject): JsonObject {
  const { tools } = result;
  if (method === 'tools/call' && result['content'] === undefined) return { ...result, content: [] };
  if (method !== 'tools/list' || !Array.isArray(tools)) return result;
  // `execution` says whether a tool is run as a task.
  const known = tools.map((tool: unknown) => without(objectOf(tool), 'execution'));
  return { ...result, tools: known };
}
