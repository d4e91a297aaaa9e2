import { fromJsonSchema, type AuthInfo, type McpServer } from '@modelcontextprotocol/server';

/** The name to greet: the user's of the token, or anyone's where no token is asked for. */
export type NameOf = (authInfo: AuthInfo | undefined) => Promise<string>;

// Made once: a server, and so its tools, is made anew for every request.
const greeting = fromJsonSchema<{ result: string }>({
  type: 'object',
  properties: { result: { type: 'string', description: 'The greeting' } },
  required: ['result'],
  additionalProperties: false,
});

/** Registers the tool `get_name`, which answers "Hello, {name}!". */
export function registerGetName(server: McpServer, nameOf: NameOf): void {
  server.registerTool(
    'get_name',
    {
      title: 'Get name',
      description: "Get the authenticated user's name from FusionAuth.",
      outputSchema: greeting,
      annotations: { readOnlyHint: true, openWorldHint: false },
    },
    async ({ http }) => {
      const result = `Hello, ${await nameOf(http?.authInfo)}!`;
      // isError is said although false is its default: the guide's readers compare the answer.
      return { content: [{ type: 'text', text: result }], structuredContent: { result }, isError: false };
    },
  );
}
