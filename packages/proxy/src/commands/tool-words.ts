import type { Tool } from '@modelcontextprotocol/client';
import { cleanLine } from '@mcp-keyhole/cli-kit';
import { paint, type Output } from './output.ts';

/** A tool in a few lines: name, title and hints; description; an argument a line. */
export function describeTool(tool: Tool, output: Output): string {
  const title = tool.title ?? tool.annotations?.title;
  const hints = hintsOf(tool);
  const head = [
    paint(output, 'bold', cleanLine(tool.name)),
    ...(title === undefined ? [] : [cleanLine(title)]),
    ...(hints.length === 0 ? [] : [paint(output, 'dim', `(${hints.join(', ')})`)]),
  ];
  const lines = [
    head.join('  '),
    ...(tool.description === undefined ? [] : [`  ${cleanLine(tool.description)}`]),
    ...argumentLines(tool.inputSchema),
  ];
  return `${lines.join('\n')}\n`;
}

/** The server's own claims about what the tool does; they bind nobody. */
function hintsOf({ annotations }: Tool): string[] {
  return [
    annotations?.readOnlyHint === true ? 'read-only' : undefined,
    annotations?.destructiveHint === true ? 'destructive' : undefined,
    annotations?.idempotentHint === true ? 'idempotent' : undefined,
    annotations?.openWorldHint === true ? 'open world' : undefined,
  ].filter((hint) => hint !== undefined);
}

function argumentLines(schema: Tool['inputSchema']): string[] {
  const required = schema.required ?? [];
  const rows = Object.entries(schema.properties ?? {}).map(([name, property]) => {
    const description = fieldOf(property, 'description');
    return {
      name: cleanLine(name),
      type: `${typeInWords(property)}${required.includes(name) ? ', required' : ''}`,
      description: typeof description === 'string' ? cleanLine(description) : '',
    };
  });
  const width = (column: 'name' | 'type'): number => Math.max(0, ...rows.map((row) => row[column].length));
  return rows.map(({ name, type, description }) =>
    `    ${name.padEnd(width('name'))}  ${type.padEnd(width('type'))}  ${description}`.trimEnd(),
  );
}

/** A JSON Schema as a person would write the type. */
function typeInWords(schema: unknown): string {
  const values = fieldOf(schema, 'enum');
  if (Array.isArray(values)) return join(values.map((value) => JSON.stringify(value)));
  const value = fieldOf(schema, 'const');
  if (value !== undefined) return cleanLine(JSON.stringify(value));
  const alternatives = fieldOf(schema, 'anyOf') ?? fieldOf(schema, 'oneOf');
  if (Array.isArray(alternatives)) return join(alternatives.map(typeInWords));
  const type = fieldOf(schema, 'type');
  if (type === 'array') return `${typeInWords(fieldOf(schema, 'items'))}[]`;
  if (Array.isArray(type)) return join(type.map(String));
  return typeof type === 'string' ? cleanLine(type) : 'any';
}

function join(words: readonly string[]): string {
  return cleanLine([...new Set(words)].join(' | '), 100);
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
