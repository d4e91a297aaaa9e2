import {
  fromJsonSchema,
  type AuthInfo,
  type McpServer,
  type RegisteredTool,
} from '@modelcontextprotocol/server';
import type { Greetings } from '../greetings.ts';
import { scopedTool } from '../scopes/scoped-tool.ts';

/** The name to greet: the user's of the token, or anyone's where no token is asked for. */
export type NameOf = (authInfo: AuthInfo | undefined) => Promise<string>;

// Made once: a server, and so its tools, is made anew for every request.
const answer = fromJsonSchema<{ result: string }>({
  type: 'object',
  properties: { result: { type: 'string', description: 'The greeting' } },
  required: ['result'],
  additionalProperties: false,
});

/** Registers the tool `get_name`, which answers "Hello, {name}!", or with the greeting that the user has set. */
export function registerGetName(server: McpServer, nameOf: NameOf, greetings: Greetings): RegisteredTool {
  return server.registerTool(
    'get_name',
    {
      ...scopedTool('get_name'),
      title: 'Get name',
      description: "Get the authenticated user's name from FusionAuth.",
      outputSchema: answer,
      annotations: { readOnlyHint: true, openWorldHint: false },
    },
    async ({ http }) => {
      const [greeting, name] = await Promise.all([greetings.of(http?.authInfo), nameOf(http?.authInfo)]);
      const result = `${greeting}, ${name}!`;
      // isError is said although false is its default: the guide's readers compare the answer.
      return { content: [{ type: 'text', text: result }], structuredContent: { result }, isError: false };
    },
  );
}
