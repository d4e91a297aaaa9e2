import { lstat, mkdir, readFile, readlink, realpath, rm, rmdir } from 'node:fs/promises';
import path from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { hostErrors } from './errors.ts';

/** A file as it was at one moment. */
export interface Snapshot {
  /** Where it really is: symbolic links are followed, since a file in their place would cut them off. */
  readonly path: string;
  /** Undefined when there is none. */
  readonly bytes: Buffer | undefined;
}

/** @throws SetupError `configuration-unreadable` */
export async function readSnapshot(file: string): Promise<Snapshot> {
  try {
    const target = await targetOf(file);
    return { path: target, bytes: await readFile(target).catch(absent) };
  } catch (error) {
    throw hostErrors.unreadable(file, error);
  }
}

/** The file that a path leads to, whether or not it is there; a link to nothing leads to what it names. */
async function targetOf(file: string, depth = 0): Promise<string> {
  const found = await realpath(file).catch(absent);
  if (found !== undefined) return found;
  const entry = await lstat(file).catch(absent);
  if (entry?.isSymbolicLink() !== true || depth > 40) return file;
  return targetOf(path.resolve(path.dirname(file), await readlink(file)), depth + 1);
}

/** The text of a file without its byte order mark. @throws SetupError `configuration-unreadable` */
export function decode({ path: file, bytes }: Snapshot): { mark: string; text: string } {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes ?? new Uint8Array());
    return text.startsWith('\uFEFF') ? { mark: '\uFEFF', text: text.slice(1) } : { mark: '', text };
  } catch (error) {
    throw hostErrors.unreadable(file, error);
  }
}

/** Whether a file is still as it was. */
export async function isUnchanged({ path: file, bytes }: Snapshot): Promise<boolean> {
  const now = (await readSnapshot(file)).bytes;
  return now === undefined || bytes === undefined ? now === bytes : now.equals(bytes);
}

/**
 * Writes a file whole or not at all, with the mode and the owner that it has. A new one is for the user alone, since hosts' files
 * come to hold keys. Returns the folders that were made for it, the outermost first.
 *
 * @throws SetupError `configuration-unwritable`
 */
export async function writeWhole(file: string, bytes: Buffer): Promise<readonly string[]> {
  try {
    const folder = path.dirname(file);
    const outermost = await mkdir(folder, { recursive: true });
    const isNew = (await lstat(file).catch(absent)) === undefined;
    await writeFileAtomic(file, bytes, isNew ? { mode: 0o600 } : {});
    return outermost === undefined ? [] : foldersBetween(outermost, folder);
  } catch (error) {
    throw hostErrors.unwritable(file, error);
  }
}

/** Removes a file, and those of the folders that are empty then. @throws SetupError `configuration-unwritable` */
export async function removeWhole(file: string, folders: readonly string[]): Promise<void> {
  try {
    await rm(file);
    for (const folder of [...folders].reverse()) await rmdir(folder).catch(notEmpty);
  } catch (error) {
    throw hostErrors.unwritable(file, error);
  }
}

function foldersBetween(outermost: string, innermost: string): readonly string[] {
  const parts = path.relative(outermost, innermost).split(path.sep).filter(Boolean);
  return [outermost, ...parts.map((_part, index) => path.join(outermost, ...parts.slice(0, index + 1)))];
}

function absent(error: unknown): undefined {
  if (codeOf(error) !== 'ENOENT') throw error;
}

function notEmpty(error: unknown): void {
  if (!['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(String(codeOf(error)))) throw error;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
