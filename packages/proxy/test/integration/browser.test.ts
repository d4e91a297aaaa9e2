import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { createOpenBrowser } from '../../src/authorization/browser.ts';
import { failureOf } from '../support/failure.ts';
import { loopbackServer } from '../support/loopback-server.ts';
import { recordedLog } from '../support/recorded-log.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** A program to be named by $BROWSER, in a folder with a space in its name; its last argument is `url`. */
async function program(source: string): Promise<string> {
  const file = path.join(await temporaryFolder(), 'a browser');
  await writeFile(file, `#!${process.execPath}\nconst url = process.argv.at(-1);\n${source}\n`, {
    mode: 0o700,
  });
  return file;
}

// Windows starts no scripts by their first line.
describe.skipIf(process.platform === 'win32')('$BROWSER (scripts, so skipped on Windows)', () => {
  it('gets the URL as its last argument, whole, whatever a shell would make of it', async () => {
    const server = await loopbackServer((_request, response) => {
      response.end();
    });
    const { log } = recordedLog();
    const browser = await program('void fetch(url);');
    const query = "?a=1&b=$(touch+x);`y`'z'|%20*";
    await createOpenBrowser({ BROWSER: browser }, log)(new URL(`${server.url}/${query}`));
    const { path: asked } = await server.when(() => true);
    expect(asked).toBe(new URL(query, server.url).href.slice(server.url.length));
  });

  it('that fails is told of, and so is one that does not exist', async () => {
    for (const [browser, reason] of [
      [await program('process.exit(3);'), 'exit code 3'],
      ['/nonexistent/browser', 'ENOENT'],
    ] as const) {
      const recorded = recordedLog();
      await createOpenBrowser({ BROWSER: browser }, recorded.log)(new URL('http://localhost/'));
      const line = await recorded.when('open the address above yourself');
      expect(line).toContain('warning');
      expect(line).toContain(reason);
    }
  });
});

describe('the browser', () => {
  it.each(['file:///etc/passwd', 'javascript:alert(1)', 'vscode://open'])('opens no %s', async (address) => {
    const { log } = recordedLog();
    const { message } = await failureOf(() => createOpenBrowser({ DISPLAY: ':0' }, log)(new URL(address)));
    expect(message).toBe('only web pages are opened');
  });
});
