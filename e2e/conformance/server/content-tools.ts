import { fromJsonSchema, type McpServer } from '@modelcontextprotocol/server';
import { png, said, wav } from './content.ts';

/** The keywords of JSON Schema 2020-12 that `tools/list` must hand on (SEP-1613, SEP-2106). */
const contactSchema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  $defs: {
    address: {
      $anchor: 'addressDef',
      type: 'object',
      properties: { street: { type: 'string' }, city: { type: 'string' } },
    },
  },
  properties: {
    name: { type: 'string' },
    address: { $ref: '#/$defs/address' },
    contactMethod: { type: 'string', enum: ['phone', 'email'] },
    phone: { type: 'string' },
    email: { type: 'string' },
  },
  allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
  if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
  then: { required: ['phone'] },
  else: { required: ['email'] },
  additionalProperties: false,
} as const;

/** The argument is a header too (SEP-2243). */
const region = { type: 'string', 'x-mcp-header': 'Region' } as const;
const regionSchema = fromJsonSchema<{ region: string }>({
  type: 'object',
  properties: { region },
  required: ['region'],
});

/** Tools that answer at once, each with another kind of content. */
export function registerContentTools(server: McpServer): void {
  const image = { type: 'image', data: png, mimeType: 'image/png' } as const;

  server.registerTool('test_simple_text', { description: 'Answers with text' }, () =>
    said('This is a simple text response for testing.'),
  );
  server.registerTool('test_image_content', { description: 'Answers with an image' }, () => ({
    content: [image],
  }));
  server.registerTool('test_audio_content', { description: 'Answers with sound' }, () => ({
    content: [{ type: 'audio', data: wav, mimeType: 'audio/wav' }],
  }));
  server.registerTool('test_embedded_resource', { description: 'Answers with a resource' }, () => ({
    content: [
      {
        type: 'resource',
        resource: {
          uri: 'test://embedded-resource',
          mimeType: 'text/plain',
          text: 'This is an embedded resource content.',
        },
      },
    ],
  }));
  server.registerTool('test_multiple_content_types', { description: 'Answers with all of them' }, () => ({
    content: [
      { type: 'text', text: 'Multiple content types test:' },
      image,
      {
        type: 'resource',
        resource: {
          uri: 'test://mixed-content-resource',
          mimeType: 'application/json',
          text: JSON.stringify({ test: 'data', value: 123 }),
        },
      },
    ],
  }));
  server.registerTool('test_error_handling', { description: 'Fails' }, () => {
    throw new Error('This tool intentionally returns an error for testing');
  });
  server.registerTool(
    'json_schema_2020_12_tool',
    { description: 'Takes a contact', inputSchema: fromJsonSchema(contactSchema) },
    (contact) => said(JSON.stringify(contact)),
  );
  server.registerTool(
    'test_region',
    { description: 'Repeats its argument', inputSchema: regionSchema },
    (args) => said(args.region),
  );
}
