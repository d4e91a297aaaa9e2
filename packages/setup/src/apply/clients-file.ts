import { InvalidValue } from '@mcp-keyhole/cli-kit';
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import { isMap, isNode, isPair, isScalar, LineCounter, parseDocument, type Document, type Node } from 'yaml';
import schema from '../../clients.schema.json' with { type: 'json' };
import { errors } from '../errors.ts';
import { parseName, parseRedirectUrl, parseResource, parseScopeName } from '../option-values.ts';
import { mistakeOf } from './mistakes.ts';

/** What may be said of a client, and in `defaults` of all. */
export interface ClientSettings {
  readonly for?: string;
  readonly port?: number;
  readonly redirectUrls?: readonly string[];
  readonly resources?: readonly string[];
  readonly scopes?: readonly string[];
  readonly confidential?: boolean;
}

/** The file as `clients.schema.json` describes it. */
export interface ClientsFile {
  readonly set?: string;
  /** URLs by name. */
  readonly resources?: Readonly<Record<string, string>>;
  readonly scopes?: Readonly<Record<string, ScopeSettings | null>>;
  readonly defaults?: ClientSettings;
  readonly clients: readonly (ClientSettings & { readonly name: string })[];
}

export interface ScopeSettings {
  readonly description?: string;
  readonly message?: string;
  readonly detail?: string;
  readonly required?: boolean;
}

/** The way from the top to a value: names and indices. */
export type Path = readonly (string | number)[];

/** What is wrong in a file, and what to write instead. */
export interface Mistake {
  readonly path: Path;
  /** The name of a member at that path which is meant itself, not its value. */
  readonly key?: string | undefined;
  readonly message: string;
  readonly remedy: string;
}

/** A file that was read, and where in it each value stands. */
export interface ReadClientsFile {
  readonly content: ClientsFile;
  /** Throws what is wrong with line and column, if anything is. @throws SetupError `clients-file-invalid` */
  readonly refuse: (mistakes: readonly Mistake[]) => void;
}

const formats = {
  name: parseName,
  resource: parseResource,
  'redirect-url': parseRedirectUrl,
  scope: parseScopeName,
} as const;

/**
 * Reads the text of a clients file, and checks it against the schema that ships with the package.
 *
 * @param file its name, for the errors
 * @throws SetupError `clients-file-invalid` with line, column and remedy of each mistake
 */
export function readClientsFile(text: string, file: string): ReadClientsFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, merge: true });
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `line ${String(line)}, column ${String(col)}`;
  };
  if (document.errors.length > 0) {
    throw errors.clientsFileInvalid(
      file,
      document.errors.map(({ pos, message }) => `${at(pos[0])}: ${message}`),
    );
  }
  const refuse = (mistakes: readonly Mistake[]): void => {
    if (mistakes.length === 0) return;
    throw errors.clientsFileInvalid(
      file,
      mistakes.map((mistake) => `${at(placeOf(document, mistake))}: ${mistake.message}. ${mistake.remedy}`),
    );
  };
  const content: unknown = document.toJS();
  refuse(check(content));
  return { content: content as ClientsFile, refuse };
}

/** What the schema has against a file. */
function check(content: unknown): readonly Mistake[] {
  const ajv = new Ajv2020({ allErrors: true, verbose: true, strictTypes: false });
  for (const [name, parse] of Object.entries(formats)) {
    ajv.addFormat(name, { type: 'string', validate: (value) => complaint(parse, value) === undefined });
  }
  const validate = ajv.compile(schema);
  if (validate(content)) return [];
  return (validate.errors ?? []).flatMap((error) => mistakeOf(error, reasonOf(error)) ?? []);
}

/** Why a value does not have its format. */
function reasonOf({ keyword, params, data }: ErrorObject): string | undefined {
  if (keyword !== 'format') return undefined;
  const format = (params as { format: string }).format as keyof typeof formats;
  return complaint(formats[format], String(data));
}

function complaint(parse: (raw: string) => string, value: string): string | undefined {
  try {
    parse(value);
    return undefined;
  } catch (error) {
    if (error instanceof InvalidValue) return error.message;
    throw error;
  }
}

/** Where a mistake stands, in characters from the beginning: at its value, or at what is nearest above that. */
function placeOf(document: Document, { path, key }: Mistake): number {
  for (let depth = path.length; depth >= 0; depth -= 1) {
    const node: unknown = depth === 0 ? document.contents : document.getIn(path.slice(0, depth), true);
    if (!isNode(node)) continue;
    const member = depth === path.length && key !== undefined ? keyIn(node, key) : undefined;
    return (member ?? node).range?.[0] ?? 0;
  }
  return 0;
}

function keyIn(node: Node, key: string): Node | undefined {
  if (!isMap(node)) return undefined;
  const pair = node.items.find((item) => isPair(item) && isScalar(item.key) && item.key.value === key);
  return isNode(pair?.key) ? pair.key : undefined;
}
