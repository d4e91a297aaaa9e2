// Messages of 50 MB both ways, and readers that are slow: the proxy holds no more of them than it has to.
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CountingHost } from '../support/counting-host.ts';
import { printFigures } from '../support/crowd.ts';
import { FaultServer, type Fault } from '../support/fault-server.ts';
import { PrivateHome } from '../support/private-home.ts';

const megabyte = 1_000_000;
const figures: string[] = [];
let home: PrivateHome;

beforeAll(() => {
  home = new PrivateHome();
});

afterAll(() => {
  printFigures('Large messages through the proxy', figures);
  home.remove();
});

/** Bytes of memory that the process has had at most. */
function mostMemory(pid: number): number {
  const [, kilobytes = ''] = /^VmHWM:\s+(\d+) kB$/mu.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) * 1_024;
}

function inMegabytes(bytes: number): string {
  return `${(bytes / megabyte).toFixed(0)} MB`;
}

describe.each(['legacy', 'modern'] as const)('At a %s server', (era) => {
  let server: FaultServer;
  let host: CountingHost;

  beforeAll(async () => {
    server = await FaultServer.start(era);
    host = new CountingHost(era, [server.url, '--token-store', 'memory'], home.env);
    expect((await host.greet()).result).toBeDefined();
    expect((await host.request('tools/list')).error).toBeUndefined();
  });

  afterAll(async () => {
    expect(await host.close()).toBe(0);
    expect({ surplus: host.surplus, waiting: host.waiting }).toEqual({ surplus: [], waiting: 0 });
    await server.close();
  });

  test.each([
    ['one body', false],
    ['an event', true],
  ])('50 MB go there and come back as %s', async (form, stream) => {
    const text = 'é'.repeat(25 * megabyte);
    const { result, error, milliseconds } = await host.request('tools/call', {
      name: 'note',
      arguments: { key: form, text, stream },
    });
    expect(error).toBeUndefined();
    const [content] = result?.['content'] as readonly { readonly text: string }[];
    expect(content?.text === text, 'the text came back as it was').toBe(true);
    const most = inMegabytes(mostMemory(host.pid));
    figures.push(
      `${era}, 50 MB as ${form}: ${milliseconds.toFixed(0)} ms both ways, at most ${most} resident`,
    );
  });
});

test('a host that does not read holds up the server, not the memory', async () => {
  /** 200 MB of notifications, as fast as they are taken. */
  const count = 2_000;
  const data = 'x'.repeat(100_000);
  let sent = 0;
  const flood: Fault = {
    respond: () => undefined,
    interrupt: ({ response, carryOut }, stream) => {
      const go = (): void => {
        for (; sent < count; sent += 1) {
          if (response.writableNeedDrain) {
            response.once('drain', go);
            return;
          }
          stream.send({ method: 'notifications/message', params: { level: 'info', data } });
        }
        stream.finish(carryOut());
      };
      go();
    },
  };
  const server = await FaultServer.start('modern');
  const host = new CountingHost('modern', [server.url, '--token-store', 'memory'], home.env);
  await host.greet();
  const before = mostMemory(host.pid);
  server.plan(flood, 'tools/call');
  host.pause();
  const call = host.request('tools/call', { name: 'note', arguments: { key: 'flood', stream: true } });
  await server.meets('tools/call');
  for (let before = -1; sent !== before;) {
    before = sent;
    await pause(500);
  }
  const unread = sent;
  const held = mostMemory(host.pid) - before;
  host.resume();
  expect((await call).error).toBeUndefined();
  expect(host.notified.get('notifications/message')).toBe(count);
  figures.push(
    `200 MB to a host that does not read: the server could send ${inMegabytes(unread * data.length)}, the proxy held ${inMegabytes(held)} more`,
  );
  expect(unread).toBeLessThan(count / 4);
  expect(held).toBeLessThan(60 * megabyte);
  expect(await host.close()).toBe(0);
  await server.close();
});
