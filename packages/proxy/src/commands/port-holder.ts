import { readdir, readFile, readlink } from 'node:fs/promises';

const listening = '0A';

/**
 * The program that listens at a TCP port, such as `node (process 4711)`; undefined where it cannot be told: on other
 * systems than Linux, and when it is another user's.
 */
export async function portHolder(port: number): Promise<string | undefined> {
  if (process.platform !== 'linux') return undefined;
  const sockets = await socketsAt(port);
  if (sockets.length === 0) return undefined;
  for (const pid of (await namesIn('/proc')).filter((name) => /^\d+$/u.test(name))) {
    for (const descriptor of await namesIn(`/proc/${pid}/fd`)) {
      const target = await readlink(`/proc/${pid}/fd/${descriptor}`).catch(() => '');
      if (sockets.includes(target)) {
        return `${(await readFile(`/proc/${pid}/comm`, 'utf8')).trim()} (process ${pid})`;
      }
    }
  }
  return undefined;
}

/** The sockets that listen there, as the links of a process's descriptors name them (proc(5)). */
async function socketsAt(port: number): Promise<string[]> {
  const hexadecimal = port.toString(16).toUpperCase().padStart(4, '0');
  const tables = await Promise.all(
    ['/proc/net/tcp', '/proc/net/tcp6'].map((table) => readFile(table, 'utf8').catch(() => '')),
  );
  return tables
    .flatMap((table) => table.split('\n').slice(1))
    .map((line) => line.trim().split(/\s+/u))
    .filter(([, local = '', , state]) => local.endsWith(`:${hexadecimal}`) && state === listening)
    .map((fields) => `socket:[${fields[9] ?? ''}]`);
}

/** What this user may not see, or what has just ended, counts as empty. */
async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}
