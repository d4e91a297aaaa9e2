import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import { EverythingHost } from './everything-host.ts';
import { RecordedTransport, Recording } from './recording.ts';

type Arguments = Readonly<Record<string, unknown>>;

/** The calls of each tool; good arguments, and some that the server refuses. */
const toolCalls: Readonly<Record<string, readonly Arguments[]>> = {
  echo: [{ message: 'Grüße, 世界 \u2028 "\\' }, {}],
  'get-annotated-message': [{ messageType: 'error', includeImage: true }, { messageType: 'loud' }],
  'get-env': [{}],
  'get-resource-links': [{ count: 4 }],
  'get-resource-reference': [{ resourceType: 'Blob', resourceId: 2 }, { resourceId: -1 }],
  'get-roots-list': [{}],
  'get-structured-content': [{ location: 'Chicago' }],
  'get-sum': [{ a: 2, b: 40.5 }, { a: 'two' }],
  'get-tiny-image': [{}],
  'gzip-file-as-resource': [
    { name: 'hello.gz', data: 'data:text/plain,Hello', outputType: 'resource' },
    { name: 'hello.gz', data: 'data:text/plain,Hello', outputType: 'resourceLink' },
    { name: 'hello.gz', data: 'file:///etc/hostname' },
  ],
  'simulate-research-query': [{ topic: 'python' }],
  'toggle-simulated-logging': [],
  'toggle-subscriber-updates': [],
  'trigger-elicitation-request': [{}],
  'trigger-elicitation-request-async': [{}],
  'trigger-long-running-operation': [{ duration: 0.3, steps: 3 }],
  'trigger-sampling-request': [{ prompt: 'What is six times nine?', maxTokens: 42 }],
  'trigger-sampling-request-async': [{ prompt: 'And again?', maxTokens: 43 }],
  'trigger-url-elicitation': [
    { url: 'https://example.org/a', message: 'Look', elicitationId: 'first' },
    { url: 'https://example.org/b', message: 'Look', errorPath: true },
    { url: 'https://example.org/b', message: 'Look', errorPath: true },
  ],
};

/** The calls of each prompt. */
const promptCalls: Readonly<Record<string, readonly Arguments[]>> = {
  'simple-prompt': [{}],
  'args-prompt': [{ city: 'Köln', state: 'NRW' }, {}],
  'completable-prompt': [{ department: 'Sales', name: 'Eve' }],
  'resource-prompt': [
    { resourceType: 'Text', resourceId: '3' },
    { resourceType: 'Text', resourceId: 'x' },
  ],
};

const completions: readonly Arguments[] = [
  {
    ref: { type: 'ref/prompt', name: 'completable-prompt' },
    argument: { name: 'department', value: 'S' },
  },
  {
    ref: { type: 'ref/prompt', name: 'completable-prompt' },
    argument: { name: 'name', value: '' },
    context: { arguments: { department: 'Sales' } },
  },
  {
    ref: { type: 'ref/resource', uri: 'demo://resource/dynamic/text/{resourceId}' },
    argument: { name: 'resourceId', value: '7' },
  },
  { ref: { type: 'ref/prompt', name: 'none' }, argument: { name: 'x', value: '' } },
];

const readable = ['text/1', 'blob/2', 'text/none'].map((name) => `demo://resource/dynamic/${name}`);

/**
 * Plays everything that there is against the reference server, one request after the other.
 *
 * @throws Error when the server has something that the script does not use
 */
export async function playEverything(transport: Transport): Promise<Recording> {
  const recording = new Recording();
  const host = new EverythingHost();
  await host.connect(new RecordedTransport(transport, recording));
  try {
    await recording.receives('What the server says of the roots', saysOf('Roots updated'));
    await playLists(host);
    for (const completion of completions) await host.ask('completion/complete', completion);
    await playUser(host);
    await playTasks(host);
    await playAnnouncements(host, recording);
    await playOddities(host);
    await barrier(host, recording);
  } finally {
    await host.close();
  }
  return recording;
}

/** The lists, and each thing on them. */
async function playLists(host: EverythingHost): Promise<void> {
  await host.ask('ping');
  for (const [name, calls] of await named(host, 'tools', toolCalls)) {
    for (const args of calls) {
      // With a progress token, as a host has it that shows progress.
      await host.ask('tools/call', { name, arguments: args }, { onprogress: () => undefined });
    }
  }
  for (const [name, calls] of await named(host, 'prompts', promptCalls)) {
    for (const args of calls) await host.ask('prompts/get', { name, arguments: args });
  }
  const { resources } = (await host.ask('resources/list')) as { resources: { uri: string }[] };
  for (const uri of [...resources.map((resource) => resource.uri), ...readable]) {
    await host.ask('resources/read', { uri });
  }
  await host.ask('resources/templates/list');
}

async function named(
  host: EverythingHost,
  kind: 'tools' | 'prompts',
  calls: Readonly<Record<string, readonly Arguments[]>>,
): Promise<readonly [string, readonly Arguments[]][]> {
  const listed = (await host.ask(`${kind}/list`))[kind] as readonly { readonly name: string }[];
  const names = listed.map(({ name }) => name).sort();
  if (names.join() !== Object.keys(calls).sort().join()) {
    throw new Error(`The script plays other ${kind} than the server has: ${names.join(', ')}`);
  }
  return Object.entries(calls);
}

/** The user declines, and cancels. */
async function playUser(host: EverythingHost): Promise<void> {
  for (const action of ['decline', 'cancel'] as const) {
    await host.askUser('trigger-elicitation-request', {}, { action });
    const args = { url: 'https://example.org/c', message: 'Look', elicitationId: action };
    await host.askUser('trigger-url-elicitation', args, { action });
  }
}

/** A tool that works as a task and asks back in its course, and one that is cancelled. */
async function playTasks(host: EverythingHost): Promise<void> {
  const start = async (topic: string): Promise<string> => {
    const args = { topic, ambiguous: true };
    const call = { name: 'simulate-research-query', arguments: args, task: { ttl: 60_000 } };
    const { task } = (await host.ask('tools/call', call)) as { task: { taskId: string } };
    return task.taskId;
  };
  const taskId = await start('python');
  await host.ask('tasks/result', { taskId });
  await host.ask('tasks/get', { taskId });
  const cancelled = await start('go');
  await host.ask('tasks/cancel', { taskId: cancelled });
  await host.ask('tasks/get', { taskId: cancelled });
  await host.ask('tasks/list');
  await host.ask('tasks/get', { taskId: 'none' });
}

/** What the server sends of its own accord: log messages, updated resources; and changed roots. */
async function playAnnouncements(host: EverythingHost, recording: Recording): Promise<void> {
  await host.ask('logging/setLevel', { level: 'debug' });
  await toggled(host, 'toggle-simulated-logging', () =>
    recording.receives('A simulated log message', (message) => /level[- ]message/u.test(dataOf(message))),
  );
  await host.ask('resources/subscribe', { uri: readable[0] });
  await toggled(host, 'toggle-subscriber-updates', () =>
    recording.receives(
      'An update of a resource',
      (message) => 'method' in message && message.method === 'notifications/resources/updated',
    ),
  );
  await host.ask('resources/unsubscribe', { uri: readable[0] });
  const since = recording.all.length;
  await host.changeRoots();
  await recording.receives('What the server says of the new roots', saysOf('Roots updated'), since);
  await host.ask('tools/call', { name: 'get-roots-list', arguments: {} });
}

async function toggled(host: EverythingHost, name: string, until: () => Promise<void>): Promise<void> {
  await host.ask('tools/call', { name, arguments: {} });
  await until();
  await host.ask('tools/call', { name, arguments: {} });
}

/** What there is not, and a call that is cancelled. */
async function playOddities(host: EverythingHost): Promise<void> {
  await host.ask('tools/call', { name: 'none', arguments: {} });
  await host.ask('prompts/get', { name: 'none' });
  await host.ask('resources/read', { uri: 'demo://nowhere' });
  await host.ask('logging/setLevel', { level: 'deafening' });
  await host.ask('experimental/none', { 'x-field': [1, null, { deep: true }] });
  const patience = new AbortController();
  const args = { duration: 60, steps: 2 };
  const call = host.ask(
    'tools/call',
    { name: 'trigger-long-running-operation', arguments: args },
    { signal: patience.signal },
  );
  await host.ask('ping');
  patience.abort('The user has changed his mind.');
  await call;
  await host.ask('ping');
}

/** What the server has sent before is here when this has come: it is the last thing on the server's own stream. */
async function barrier(host: EverythingHost, recording: Recording): Promise<void> {
  await host.ask('resources/subscribe', { uri: 'demo://barrier' });
  await recording.receives('The last announcement', saysOf('demo://barrier'));
}

function saysOf(words: string): (message: JSONRPCMessage) => boolean {
  return (message) => dataOf(message).includes(words);
}

/** The text of a log message. */
function dataOf(message: JSONRPCMessage): string {
  if (!('method' in message) || message.method !== 'notifications/message') return '';
  const { data } = message.params as { data?: unknown };
  return typeof data === 'string' ? data : '';
}
