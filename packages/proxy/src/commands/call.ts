import { readFile } from 'node:fs/promises';
import { text as readAll } from 'node:stream/consumers';
import type { Readable } from 'node:stream';
import type { CallToolResult, Progress } from '@modelcontextprotocol/client';
import { cleanLine, messageOf, nearest, type Log } from '@mcp-keyhole/cli-kit';
import type { ProxyConfig } from '../config.ts';
import { errors } from '../errors.ts';
import { withServer } from './client-session.ts';
import { writeJson, writeText, type Output } from './output.ts';
import { toolFilter } from './tools.ts';

/** Calls a tool, signing in when that is needed, and prints its result. Exit code 1 when the tool reports an error. */
export async function call(
  config: ProxyConfig,
  server: URL,
  log: Log,
  signal: AbortSignal,
  output: Output,
  input: Readable = process.stdin,
): Promise<number> {
  const [name, given] = config.words;
  if (name === undefined) throw errors.toolMissing();
  const toolArguments = await readArguments(given, input);
  const { isAllowedName, visible } = await toolFilter(config);
  if (!isAllowedName(name)) throw errors.toolHidden(name);
  const result = await withServer(config, server, log, signal, async (client, bounds) => {
    const { tools } = await client.listTools(undefined, bounds);
    const names = tools.map((tool) => tool.name);
    if (!names.includes(name)) throw errors.toolUnknown(server, name, nearest(name, names));
    if (visible(tools.filter((tool) => tool.name === name)).length === 0) throw errors.toolHidden(name);
    return client.callTool(
      { name, arguments: toolArguments },
      {
        ...bounds,
        resetTimeoutOnProgress: true,
        onprogress: (progress) => {
          log.info(inWords(progress));
        },
      },
    );
  });
  if (config.json) writeJson(output, result);
  else writeResult(output, result);
  return result.isError === true ? 1 : 0;
}

/** JSON as it stands, `@file` with it inside, or `-` for stdin; nothing is an empty object. */
async function readArguments(given: string | undefined, input: Readable): Promise<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(given === undefined ? '{}' : await readWord(given, input));
  } catch (error) {
    // The parser's own message quotes the input, which may hold a secret.
    if (error instanceof SyntaxError)
      throw errors.argumentsUnusable('they are not valid JSON (some shells strip the quotes)');
    throw errors.argumentsUnusable(messageOf(error));
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw errors.argumentsUnusable('they are not a JSON object');
  return value as Record<string, unknown>;
}

async function readWord(word: string, input: Readable): Promise<string> {
  if (word === '-') return readAll(input);
  return word.startsWith('@') ? readFile(word.slice(1), 'utf8') : word;
}

function inWords({ progress, total, message }: Progress): string {
  const of = total === undefined ? '' : ` of ${total}`;
  return `progress: ${progress}${of}${message === undefined ? '' : ` (${message})`}`;
}

/** Text as text, anything else in a line; the structured content only when there is no text to read. */
function writeResult(output: Output, { content, structuredContent }: CallToolResult): void {
  for (const block of content) {
    if (block.type === 'text') writeText(output, block.text);
    else output.write(`[${describeBlock(block)}]\n`);
  }
  if (structuredContent !== undefined && !content.some(({ type }) => type === 'text'))
    writeJson(output, structuredContent);
}

function describeBlock(block: Exclude<CallToolResult['content'][number], { type: 'text' }>): string {
  switch (block.type) {
    case 'image':
    case 'audio':
      return cleanLine(`${block.type}, ${block.mimeType}, ${bytesOf(block.data)}`);
    case 'resource_link':
      return cleanLine(`link to ${block.uri}, ${block.title ?? block.name}`);
    case 'resource': {
      const { uri, mimeType = 'of unknown type', ...body } = block.resource;
      const size = 'blob' in body ? bytesOf(body.blob) : `${body.text.length} characters`;
      return cleanLine(`resource ${uri}, ${mimeType}, ${size}`);
    }
  }
}

function bytesOf(base64: string): string {
  return `${Buffer.byteLength(base64, 'base64')} bytes`;
}
