import { objectOf, type JsonObject } from './message.ts';

/** The annotation that asks for an argument to be told in a header as well (MCP 2026-07-28, tools, "x-mcp-header"). */
const annotation = 'x-mcp-header';

/** RFC 9110, section 5.6.2. */
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/u;
const annotatedTypes = new Set<unknown>(['string', 'integer', 'boolean']);

/** Keywords that hold schemas by name; only by `properties` is there a way to an argument that is always the same. */
const mapsOfSchemas = [
  'properties',
  'patternProperties',
  'dependentSchemas',
  'dependencies',
  '$defs',
  'definitions',
];
/** Keywords that hold a schema, or several in an array. */
const schemas = [
  ...['items', 'prefixItems', 'additionalItems', 'unevaluatedItems', 'contains', 'contentSchema'],
  ...['additionalProperties', 'unevaluatedProperties', 'propertyNames'],
  ...['oneOf', 'anyOf', 'allOf', 'not', 'if', 'then', 'else'],
];

/** An argument that is told in a header too. */
export interface HeaderDeclaration {
  /** What follows `Mcp-Param-`. */
  readonly name: string;
  /** The keys that lead to the argument. */
  readonly path: readonly string[];
}

/** What a tool's `inputSchema` says of headers, or why it is invalid. */
export type HeaderScan =
  | { readonly isValid: true; readonly declarations: readonly HeaderDeclaration[] }
  | { readonly isValid: false; readonly reason: string };

/** A tool that hosts do not get to see. */
export interface DroppedTool {
  readonly name: string;
  readonly reason: string;
}

/** Where a schema stands in another. */
interface Place {
  readonly schema: unknown;
  readonly parent: Place | undefined;
  readonly key: string;
  /** Whether `properties` alone leads here. */
  readonly isArgument: boolean;
}

/** Looks for header annotations in a tool's `inputSchema`. One that breaks a rule makes the tool invalid. */
export function scanHeaders(inputSchema: unknown): HeaderScan {
  const declarations = new Map<string, HeaderDeclaration>();
  // No recursion: how deep a schema goes is the server's choice.
  const places: Place[] = [{ schema: inputSchema, parent: undefined, key: '', isArgument: true }];
  for (let place = places.pop(); place !== undefined; place = places.pop()) {
    const schema = objectOf(place.schema);
    if (annotation in schema) {
      const path = pathOf(place);
      const reason = faultOf(schema, path, place, declarations);
      if (reason !== undefined) return { isValid: false, reason };
      const name = String(schema[annotation]);
      declarations.set(name.toLowerCase(), { name, path });
    }
    for (const inner of placesIn(schema, place)) places.push(inner);
  }
  return { isValid: true, declarations: [...declarations.values()] };
}

/**
 * The headers that tell arguments of a call. What is null or not there is not told, and neither is what is no string,
 * boolean or number that JavaScript holds exactly.
 */
export function paramHeaders(
  declarations: readonly HeaderDeclaration[],
  args: unknown,
): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const { name, path } of declarations) {
    const value = textOf(valueAt(args, path));
    if (value !== undefined) headers[`Mcp-Param-${name}`] = headerValue(value);
  }
  return headers;
}

/**
 * A text as `Mcp-Param-…` and `Mcp-Name` carry it (MCP 2026-07-28, Streamable HTTP, "Value Encoding"): as it is where a
 * header's value can be that, otherwise encoded.
 */
export function headerValue(value: string): string {
  const isPlain = /^(?:[!-~](?:[ -~]*[!-~])?)?$/u.test(value);
  const looksEncoded = value.startsWith('=?base64?') && value.endsWith('?=');
  return isPlain && !looksEncoded ? value : `=?base64?${Buffer.from(value, 'utf8').toString('base64')}?=`;
}

/** The tools that a server has listed, as far as headers are concerned. */
export class ToolCatalogue {
  readonly #declarations = new Map<string, readonly HeaderDeclaration[]>();

  /**
   * Remembers the tools of a list.
   *
   * @param result the result of `tools/list`
   * @returns the result without the tools that are invalid, the same object where none is; and those, to be logged
   */
  learn(result: JsonObject): { readonly result: JsonObject; readonly dropped: readonly DroppedTool[] } {
    const { tools } = result;
    if (!Array.isArray(tools)) return { result, dropped: [] };
    const dropped: DroppedTool[] = [];
    const valid = tools.filter((tool: unknown) => {
      const { name, inputSchema } = objectOf(tool);
      const scan = scanHeaders(inputSchema);
      if (!scan.isValid) {
        dropped.push({ name: String(name), reason: scan.reason });
        this.#declarations.delete(String(name));
        return false;
      }
      if (typeof name === 'string') this.#declarations.set(name, scan.declarations);
      return true;
    });
    return { result: dropped.length === 0 ? result : { ...result, tools: valid }, dropped };
  }

  /** Whether a tool of this name has been listed and is valid. */
  knows(name: string): boolean {
    return this.#declarations.has(name);
  }

  /** The headers of a call; none where the tool is not known. */
  headersFor(name: string, args: unknown): Record<string, string> {
    return paramHeaders(this.#declarations.get(name) ?? [], args);
  }
}

/** Which rule an annotation breaks. */
function faultOf(
  { type, [annotation]: name }: JsonObject,
  path: readonly string[],
  { parent, isArgument }: Place,
  others: ReadonlyMap<string, HeaderDeclaration>,
): string | undefined {
  const where = path.length === 0 ? 'the schema itself' : path.join('.');
  if (!isArgument || parent === undefined) {
    return `${where}: ${annotation} stands where "properties" alone does not lead`;
  }
  if (typeof name !== 'string' || !token.test(name)) return `${where}: ${annotation} is no name of a header`;
  if (!annotatedTypes.has(type)) return `${where}: ${annotation} is for strings, integers and booleans`;
  const other = others.get(name.toLowerCase());
  if (other === undefined) return undefined;
  return `${where}: ${annotation} has the name that ${other.path.join('.')} has`;
}

function* placesIn(schema: JsonObject, parent: Place): Generator<Place> {
  for (const keyword of mapsOfSchemas) {
    const isArgument = keyword === 'properties' && parent.isArgument;
    for (const [name, inner] of Object.entries(objectOf(schema[keyword]))) {
      const key = keyword === 'properties' ? name : `<${keyword}>.${name}`;
      yield { schema: inner, parent, key, isArgument };
    }
  }
  for (const keyword of schemas) {
    const inner = schema[keyword];
    const several: readonly unknown[] = Array.isArray(inner) ? inner : inner === undefined ? [] : [inner];
    for (const each of several) {
      yield { schema: each, parent, key: `<${keyword}>`, isArgument: false };
    }
  }
}

function pathOf(place: Place): readonly string[] {
  const path: string[] = [];
  for (let at = place; at.parent !== undefined; at = at.parent) path.push(at.key);
  return path.reverse();
}

function valueAt(args: unknown, path: readonly string[]): unknown {
  let value = args;
  for (const key of path) value = objectOf(value)[key];
  return value;
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return String(value);
  const isExact = typeof value === 'number' && (!Number.isInteger(value) || Number.isSafeInteger(value));
  return isExact ? String(value) : undefined;
}
