import { modernMeta, newestLegacyVersion } from './era.ts';
import { legacyVersions } from './greeting.ts';
import { Message, objectOf, type JsonObject, type RequestId } from './message.ts';
import { cacheable, commonCapabilities, serverInfoKey, without } from './modern-terms.ts';

/** What every request of the modern era says of its sender, taken from a legacy host's `initialize`. */
export function envelopeOf(initialize: JsonObject): JsonObject {
  const { clientInfo } = initialize;
  return modernMeta(
    named(clientInfo, 'mcp-keyhole', process.env['KEYHOLE_VERSION'] ?? 'development'),
    commonCapabilities(objectOf(initialize['capabilities'])),
  );
}

/** The result of `initialize`, made of what `server/discover` says. @param asked the version that the host asks for */
export function legacyGreeting(asked: unknown, discovery: JsonObject): JsonObject {
  const { instructions } = discovery;
  // Early servers of the modern era have their name in the result itself.
  const serverInfo = objectOf(discovery['_meta'])[serverInfoKey] ?? discovery['serverInfo'];
  return {
    protocolVersion: legacyVersions.find((version) => version === asked) ?? newestLegacyVersion,
    // What a server does not report on, or does not log, it does not for a legacy host either.
    capabilities: without(objectOf(discovery['capabilities']), 'tasks'),
    serverInfo: named(serverInfo, 'MCP server', 'unknown'),
    ...(instructions === undefined ? {} : { instructions }),
  };
}

/** A message of a legacy host as a modern server wants it: with what it says of its sender. */
export function stamped(
  { json }: Message,
  envelope: JsonObject,
  { id, params: more }: { readonly id?: RequestId; readonly params?: JsonObject } = {},
): Message {
  const params = objectOf(json['params']);
  return Message.of({
    ...json,
    ...(id === undefined ? {} : { id }),
    params: { ...params, ...more, _meta: { ...objectOf(params['_meta']), ...envelope } },
  });
}

/** A modern server's answer as a legacy host knows it. @param id that of the host's request */
export function legacyAnswer(method: string, answer: Message, id: RequestId): Message {
  const { json } = answer;
  if (json['result'] === undefined) return answer.id === id ? answer : Message.of({ ...json, id });
  return Message.of({ ...json, id, result: inOldShape(method, objectOf(json['result'])) });
}

/** Takes out what only a modern host knows, and what a legacy one would refuse the whole result for. */
function inOldShape(method: string, result: JsonObject): JsonObject {
  // Another type than this one says something that nobody here knows.
  const untyped = result['resultType'] === 'complete' ? without(result, 'resultType') : result;
  const plain = cacheable.has(method) ? without(untyped, 'ttlMs', 'cacheScope') : untyped;
  const signed = withoutMeta(plain, serverInfoKey);
  if (method === 'tools/list') return withObjectSchemas(signed);
  return method === 'tools/call' ? withObjectContent(signed) : signed;
}

/** The object without a key of its `_meta`, and without a `_meta` that held nothing else. */
export function withoutMeta(object: JsonObject, key: string): JsonObject {
  const { _meta, ...rest } = object;
  if (!(key in objectOf(_meta))) return object;
  const meta = without(objectOf(_meta), key);
  return Object.keys(meta).length === 0 ? rest : { ...rest, _meta: meta };
}

/** Structured content may be of any type in the modern era (SEP-2106), and so may the schema for it. */
function withObjectSchemas(result: JsonObject): JsonObject {
  const { tools } = result;
  if (!Array.isArray(tools)) return result;
  const known = tools.map((tool: unknown) => {
    const { outputSchema } = objectOf(tool);
    const isKnown = outputSchema === undefined || objectOf(outputSchema)['type'] === 'object';
    return isKnown ? tool : without(objectOf(tool), 'outputSchema');
  });
  return { ...result, tools: known };
}

/** Structured content that is no object, in one. */
function withObjectContent(result: JsonObject): JsonObject {
  const { structuredContent, content } = result;
  if (structuredContent === undefined || objectOf(structuredContent) === structuredContent) return result;
  const blocks: unknown[] = Array.isArray(content) ? content : [];
  const hasText = blocks.some((block) => objectOf(block)['type'] === 'text');
  const text = { type: 'text', text: JSON.stringify(structuredContent) };
  return {
    ...result,
    content: hasText ? blocks : [...blocks, text],
    structuredContent: { result: structuredContent },
  };
}

/** The value if it says a name, as it has to in both eras. */
function named(value: unknown, name: string, version: string): JsonObject {
  const info = objectOf(value);
  return typeof info['name'] === 'string' ? { version, ...info } : { name, version };
}
