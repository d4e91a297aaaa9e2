import { isAscii, isUtf8 } from 'node:buffer';
import { messageOf } from '@mcp-keyhole/cli-kit';
import { withoutLongStrings } from './long-strings.ts';

/** The id of a request (JSON-RPC 2.0, section 4): `1` and `"1"` are two. */
export type RequestId = string | number;

/** A JSON object as it comes: what is in it is looked at field by field. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** What a JSON-RPC error says. */
export interface RpcError {
  readonly code: number;
  readonly message: string;
  readonly data?: unknown;
}

/** Text that is no JSON-RPC message, and why. */
export class UnreadableMessage extends Error {
  /** Of a request that could be read as far as that. */
  readonly id: RequestId | undefined;

  constructor(why: string, id?: unknown) {
    super(why);
    this.id = isId(id) ? id : undefined;
  }
}

/** Larger messages are read again when somebody asks, rather than kept twice. */
const largest = 1 << 20;
const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const space = 0x20;

/**
 * A JSON-RPC message on its way: the bytes as they came, which travel on untouched, and what the bridge has to know of
 * them. Numbers too large for JavaScript, the order of fields and fields that nobody knows survive, since nobody writes
 * the message anew.
 */
export class Message {
  /** One line of JSON in UTF-8, without its line break. */
  readonly bytes: Buffer;
  readonly kind: 'request' | 'notification' | 'response';
  /** Of a request and of a response; undefined for a response to something unreadable (id null). */
  readonly id: RequestId | undefined;
  /** Of a request and of a notification. */
  readonly method: string | undefined;
  readonly #kept: JsonObject | undefined;
  readonly #outline: JsonObject | undefined;

  /** @param isOutline whether long strings are left out of the JSON */
  private constructor(bytes: Buffer, json: JsonObject, isOutline = false) {
    const { id, method } = json;
    this.bytes = bytes;
    this.id = isId(id) ? id : undefined;
    this.method = typeof method === 'string' ? method : undefined;
    this.kind = this.method === undefined ? 'response' : this.id === undefined ? 'notification' : 'request';
    this.#kept = bytes.length <= largest ? json : undefined;
    this.#outline = isOutline ? json : undefined;
  }

  /** The message as JSON. It is shared: whoever changes something makes a new message ({@link Message.of}). */
  get json(): JsonObject {
    return this.#kept ?? (JSON.parse(this.bytes.toString('utf8')) as JsonObject);
  }

  /** The message as JSON for whoever only looks whether something is there: strings of 64 KiB and more may be empty. */
  get outline(): JsonObject {
    return this.#outline ?? this.json;
  }

  /** The `params` of a request or a notification, the empty object when there are none. */
  get params(): JsonObject {
    return objectOf(this.json['params']);
  }

  /** The `_meta` of the params. */
  get meta(): JsonObject {
    return objectOf(this.params['_meta']);
  }

  /** The `result` of a response; undefined when it is an error. */
  get result(): JsonObject | undefined {
    const { result } = this.json;
    return result === undefined ? undefined : objectOf(result);
  }

  /** The `error` of a response. */
  get error(): RpcError | undefined {
    return this.json['error'] as RpcError | undefined;
  }

  static of(json: JsonObject): Message {
    const whole = { jsonrpc: '2.0', ...json };
    return new Message(Buffer.from(JSON.stringify(whole)), whole);
  }

  static request(id: RequestId, method: string, params: JsonObject = {}): Message {
    return Message.of({ id, method, params });
  }

  static notification(method: string, params: JsonObject = {}): Message {
    return Message.of({ method, params });
  }

  static result(id: RequestId, result: JsonObject): Message {
    return Message.of({ id, result });
  }

  /** @param id null for what could not be read (JSON-RPC 2.0, section 5) */
  static error(id: RequestId | null, error: RpcError): Message {
    return Message.of({ id, error });
  }

  /**
   * Reads a text: one message, or several where it is a batch (MCP 2025-03-26).
   *
   * @throws UnreadableMessage
   */
  static parse(bytes: Buffer): readonly Message[] {
    return Message.parseEach(bytes).map((message) => {
      if (message instanceof UnreadableMessage) throw message;
      return message;
    });
  }

  /** {@link parse}, with what cannot be read in its place. */
  static parseEach(bytes: Buffer): readonly (Message | UnreadableMessage)[] {
    // What is ASCII alone is UTF-8 too, and is read several times as fast.
    const encoding = isAscii(bytes) ? 'latin1' : 'utf8';
    if (encoding === 'utf8' && !isUtf8(bytes)) return [new UnreadableMessage('it is not UTF-8')];
    const outline = bytes.length > largest ? outlineOf(bytes, encoding) : undefined;
    if (outline !== undefined) return [faultOf(outline) ?? new Message(onOneLine(bytes), outline, true)];
    let json: unknown;
    try {
      json = JSON.parse(bytes.toString(encoding));
    } catch (error) {
      return [new UnreadableMessage(messageOf(error))];
    }
    if (Array.isArray(json)) {
      return json.map((part: unknown) => {
        const object = objectOf(part);
        return faultOf(object) ?? Message.of(object);
      });
    }
    const object = objectOf(json);
    return [faultOf(object) ?? new Message(onOneLine(bytes), object)];
  }
}

/** The value as an object, the empty one when it is something else. */
export function objectOf(value: unknown): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}

function isId(value: unknown): value is RequestId {
  return typeof value === 'string' || typeof value === 'number';
}

/** A large message without its long strings; undefined for what has to be read whole. */
function outlineOf(bytes: Buffer, encoding: 'latin1' | 'utf8'): JsonObject | undefined {
  const text = withoutLongStrings(bytes, encoding);
  if (text === undefined) return undefined;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    // Neither is the whole: its own error says where.
    return undefined;
  }
  if (Array.isArray(json)) return undefined;
  const object = objectOf(json);
  // As long as that themselves, perhaps.
  return object['id'] === '' || object['method'] === '' ? undefined : object;
}

function faultOf(object: JsonObject): UnreadableMessage | undefined {
  const { jsonrpc, method, id } = object;
  const isResponse = 'id' in object && ('result' in object || 'error' in object);
  if (jsonrpc === '2.0' && (typeof method === 'string' || isResponse)) return undefined;
  return new UnreadableMessage('it is no JSON-RPC 2.0 message', isResponse ? undefined : id);
}

/** In valid JSON a line break can only stand between tokens, where a space means the same. */
function onOneLine(bytes: Buffer): Buffer {
  if (!bytes.includes(lineFeed) && !bytes.includes(carriageReturn)) return bytes;
  return Buffer.from(bytes.map((byte) => (byte === lineFeed || byte === carriageReturn ? space : byte)));
}
