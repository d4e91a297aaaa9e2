import {
  acceptedContent,
  fromJsonSchema,
  inputRequired,
  type GetPromptResult,
  type McpServer,
} from '@modelcontextprotocol/server';
import { png } from './content.ts';

const says = (...texts: string[]): GetPromptResult => ({
  messages: texts.map((text) => ({ role: 'user', content: { type: 'text', text } })),
});

const strings = (...names: string[]) =>
  fromJsonSchema<Record<string, string>>({
    type: 'object',
    properties: Object.fromEntries(names.map((name) => [name, { type: 'string' }])),
    required: names,
  });

export function registerPrompts(server: McpServer): void {
  server.registerPrompt('test_simple_prompt', { description: 'Needs nothing' }, () =>
    says('This is a simple prompt for testing.'),
  );
  server.registerPrompt(
    'test_prompt_with_arguments',
    { description: 'Repeats its arguments', argsSchema: strings('arg1', 'arg2') },
    ({ arg1 = '', arg2 = '' }) => says(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`),
  );
  server.registerPrompt(
    'test_prompt_with_embedded_resource',
    { description: 'Holds a resource', argsSchema: strings('resourceUri') },
    ({ resourceUri = '' }) => ({
      messages: [
        {
          role: 'user',
          content: {
            type: 'resource',
            resource: {
              uri: resourceUri,
              mimeType: 'text/plain',
              text: 'Embedded resource content for testing.',
            },
          },
        },
        ...says('Please process the embedded resource above.').messages,
      ],
    }),
  );
  server.registerPrompt('test_prompt_with_image', { description: 'Holds an image' }, () => ({
    messages: [
      { role: 'user', content: { type: 'image', data: png, mimeType: 'image/png' } },
      ...says('Please analyze the image above.').messages,
    ],
  }));
  server.registerPrompt('test_input_required_result_prompt', { description: 'Asks first' }, ({ mcpReq }) => {
    const answer = acceptedContent<{ context: string }>(mcpReq.inputResponses, 'user_context');
    if (answer !== undefined) return says(`The context is ${answer.context}.`);
    const message = 'What context should the prompt use?';
    const properties = { context: { type: 'string' } } as const;
    return inputRequired({
      inputRequests: {
        user_context: inputRequired.elicit({
          message,
          requestedSchema: { type: 'object', properties, required: ['context'] },
        }),
      },
    });
  });
  server.server.setRequestHandler('completion/complete', ({ params }) => {
    const values = ['test', 'testing'].filter((value) => value.startsWith(params.argument.value));
    return { completion: { values, total: values.length, hasMore: false } };
  });
}
