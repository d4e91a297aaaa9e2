import { createHash } from 'node:crypto';
import { mkdir, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';

type Document = Record<string, unknown>;

/** Writes files as mcp-remote has them for one server. `tokens` that is a text is written as it is. Their paths. */
export async function writeMcpRemoteFiles(
  folder: string,
  files: { key: string; tokens?: Document | string; client?: Document; version?: string; writtenAt?: Date },
): Promise<string[]> {
  const place = path.join(folder, files.version ?? 'mcp-remote-v1');
  await mkdir(place, { recursive: true });
  const contents: (readonly [string, unknown])[] = [
    ['tokens.json', files.tokens],
    ['client_info.json', files.client],
  ];
  const written: string[] = [];
  for (const [name, content] of contents) {
    if (content === undefined) continue;
    const file = path.join(place, `${files.key}_${name}`);
    await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content), { mode: 0o600 });
    if (files.writtenAt !== undefined) await utimes(file, files.writtenAt, files.writtenAt);
    written.push(file);
  }
  return written;
}

/** How mcp-remote names the files of a server when it gets no flags that matter. */
export function mcpRemoteKey(url: string): string {
  return createHash('md5').update(url).digest('hex');
}
