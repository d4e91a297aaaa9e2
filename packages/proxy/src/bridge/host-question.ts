import { objectOf, type JsonObject, type Message, type RpcError } from './message.ts';
import { invalidParams, methodNotFound, without } from './modern-terms.ts';

/** What a server may ask the host for, and the capability by which a host says that it can be asked. */
const capabilityFor: Readonly<Record<string, string>> = {
  'elicitation/create': 'elicitation',
  'sampling/createMessage': 'sampling',
  'roots/list': 'roots',
};

/**
 * Why the host cannot be asked this; undefined when it can.
 *
 * @param capabilities what the host says that it can do, in the request that the question belongs to
 */
export function whyNotAsked(
  { method = '', params }: Message,
  capabilities: JsonObject,
): RpcError | undefined {
  const capability = capabilityFor[method];
  if (capability === undefined) return { code: methodNotFound, message: `Method not found: ${method}` };
  if (capabilities[capability] === undefined) {
    return { code: methodNotFound, message: `The host does not do this: ${capability}` };
  }
  if (method !== 'elicitation/create') return undefined;
  const { mode = 'form' } = params;
  const modes = Object.keys(objectOf(capabilities[capability]));
  // A host that names no mode does forms (MCP 2025-11-25, elicitation, "Capabilities").
  const isKnown = modes.some((known) => known === mode) || (mode === 'form' && !modes.includes('url'));
  return isKnown
    ? undefined
    : { code: invalidParams, message: `The host does not do this kind of elicitation: ${String(mode)}` };
}

/** A question as it stands in an `input_required` result: without what belongs to the legacy era or to JSON-RPC. */
export function inputRequest({ json, method }: Message): JsonObject {
  if (json['params'] === undefined) return { method };
  const params = without(objectOf(json['params']), 'elicitationId', 'task', '_meta');
  // The answer comes with another request: there is nothing that progress could be reported by.
  const meta = without(objectOf(objectOf(json['params'])['_meta']), 'progressToken');
  return { method, params: Object.keys(meta).length === 0 ? params : { ...params, _meta: meta } };
}

/** Whether the host's answer is one: the bare result, as the modern era has it. */
export function isInputResponse(response: unknown): response is JsonObject {
  const object = objectOf(response);
  return object === response && !('method' in object) && !('result' in object);
}
