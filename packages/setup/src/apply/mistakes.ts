import { nearest } from '@mcp-keyhole/cli-kit';
import type { ErrorObject } from 'ajv/dist/2020.js';
import type { Mistake, Path } from './clients-file.ts';

/** What the parts of a schema say that are read here. */
interface SchemaPart {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, SchemaPart>>;
}

/** An error of the validator in our words; undefined for one that another says better. */
export function mistakeOf(error: ErrorObject, reason: string | undefined): Mistake | undefined {
  const path = pathOf(error.instancePath);
  const what = words(path);
  const schema = (error.parentSchema ?? {}) as SchemaPart;
  const { description } = schema;
  const meaning = description === undefined ? '' : ` ${description}`;
  const params = error.params as Readonly<Record<string, unknown>>;
  switch (error.keyword) {
    case 'additionalProperties': {
      const key = String(params['additionalProperty']);
      const known = Object.keys(schema.properties ?? {});
      const meant = nearest(key, known);
      const hint = meant === undefined ? '' : `Did you mean ${meant}? `;
      return {
        path,
        key,
        message: `${what} has no ${JSON.stringify(key)}`,
        remedy: `${hint}There are ${known.join(', ')}.`,
      };
    }
    case 'required': {
      const key = String(params['missingProperty']);
      return {
        path,
        message: `${what} has no ${key}`,
        remedy: `Add it: ${schema.properties?.[key]?.description ?? key}`,
      };
    }
    case 'type':
      return {
        path,
        message: `${what} is not ${kind(params['type'])}`,
        remedy: `Write ${kind(params['type'])}.${meaning}`,
      };
    case 'enum': {
      const known = (params['allowedValues'] as readonly unknown[]).map(String);
      const meant = nearest(String(error.data), known);
      const hint = meant === undefined ? '' : `Did you mean ${meant}? `;
      return {
        path,
        message: `${what} is ${JSON.stringify(error.data)}`,
        remedy: `${hint}It is one of ${known.join(', ')}.`,
      };
    }
    case 'format':
      // Of a name in a map the validator tells the map's path, and the name apart.
      return {
        path,
        key: error.propertyName,
        message: `${error.propertyName === undefined ? what : `the name in ${what}`} cannot be ${JSON.stringify(error.data)}`,
        remedy: `Correct it: ${reason ?? 'it has another form'}.${meaning}`,
      };
    case 'uniqueItems':
      return { path, message: `${what} has one item twice`, remedy: 'Take one of them out.' };
    case 'propertyNames':
      // Told by the format of the name.
      return undefined;
    default:
      return {
        path,
        message: `${what} ${error.message ?? 'cannot be used'}`,
        remedy: `Correct it.${meaning}`,
      };
  }
}

/** A JSON pointer (RFC 6901) as names and indices. */
function pathOf(pointer: string): Path {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map((part) => (/^\d+$/u.test(part) ? Number(part) : part));
}

/** A path as it is read, such as `clients[3].port`. */
export function words(path: Path): string {
  if (path.length === 0) return 'the file';
  return path
    .map((part) => (typeof part === 'number' ? `[${String(part)}]` : `.${part}`))
    .join('')
    .replace(/^\./u, '');
}

function kind(type: unknown): string {
  const names: Readonly<Record<string, string>> = {
    object: 'a map (name: value)',
    array: 'a list',
    string: 'a text',
    integer: 'a whole number',
    boolean: 'true or false',
    null: 'nothing',
  };
  return (Array.isArray(type) ? (type as unknown[]) : [type])
    .map((one) => names[String(one)] ?? String(one))
    .join(' or ');
}
