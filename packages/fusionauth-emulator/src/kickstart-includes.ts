import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { messageOf } from '@mcp-keyhole/cli-kit';
import { errors } from './errors.ts';
import { isObject } from './json.ts';

/**
 * Puts in the files that a kickstart names, relative to its own: `&{file}` alone is that file's JSON, `@{file}` within a text
 * its text. A file that is put in may name further ones.
 *
 * @throws EmulatorError `kickstart-unreadable`, `kickstart-invalid`
 */
export async function includeFiles(value: unknown, folder: string, depth = 0): Promise<unknown> {
  if (typeof value === 'string') return includeIn(value, folder, depth);
  if (Array.isArray(value)) {
    return Promise.all(value.map((item: unknown) => includeFiles(item, folder, depth)));
  }
  if (!isObject(value)) return value;
  const members = Object.entries(value).map(
    async ([name, item]) => [name, await includeFiles(item, folder, depth)] as const,
  );
  return Object.fromEntries(await Promise.all(members));
}

/** How deep files may name files: enough for any, and an end for those that name themselves. */
const deepest = 10;

async function includeIn(text: string, folder: string, depth: number): Promise<unknown> {
  const json = /^&\{(?<file>[^{}]+)\}$/u.exec(text)?.groups?.['file'];
  if (json !== undefined) {
    if (depth === deepest) throw errors.kickstartInvalid(json, 'names itself, or files are nested too deep');
    const content = await read(folder, json);
    let value: unknown;
    try {
      value = JSON.parse(content);
    } catch (error) {
      throw errors.kickstartInvalid(json, `is not JSON (${messageOf(error)})`);
    }
    return includeFiles(value, folder, depth + 1);
  }
  let result = text;
  for (const [expression, file = ''] of text.matchAll(/@\{([^{}]+)\}/gu)) {
    const content = await read(folder, file);
    result = result.replace(expression, () => content);
  }
  return result;
}

async function read(folder: string, file: string): Promise<string> {
  const full = path.resolve(folder, file);
  return readFile(full, 'utf8').catch((error: unknown) => {
    throw errors.kickstartUnreadable(full, messageOf(error), error);
  });
}
