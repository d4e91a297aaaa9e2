import {
  acceptedContent,
  CLIENT_CAPABILITIES_META_KEY,
  fromJsonSchema,
  inputRequired,
  type ClientCapabilities,
  type ElicitRequestFormParams,
  type InputRequests,
  type McpServer,
  type RequestStateCodec,
} from '@modelcontextprotocol/server';
import { defaultsForm, enumsForm } from './forms.ts';
import { said } from './content.ts';

type Schema = ElicitRequestFormParams['requestedSchema'];

/** A form whose fields must all be filled in. */
const form = (...fields: string[]): Schema => ({
  type: 'object',
  properties: Object.fromEntries(fields.map((field) => [field, { type: 'string' }])),
  required: fields,
});

const elicit = (message: string, requestedSchema: Schema) =>
  inputRequired.elicit({ message, requestedSchema });
const sample = (text: string, maxTokens: number) =>
  inputRequired.createMessage({ messages: [{ role: 'user', content: { type: 'text', text } }], maxTokens });

const whatName = elicit('What is your name?', form('name'));
const confirmation = elicit('Please confirm', {
  type: 'object',
  properties: { ok: { type: 'boolean' } },
  required: ['ok'],
});

const oneString = (name: string) =>
  fromJsonSchema<Record<string, string>>({
    type: 'object',
    properties: { [name]: { type: 'string' } },
    required: [name],
  });

/**
 * Tools that ask the client back: by `input_required` results, which the SDK turns into requests of the server's for clients
 * of the legacy era.
 */
export function registerAskingTools(server: McpServer, states: RequestStateCodec<string>): void {
  registerOnce(server, 'test_input_required_result_elicitation', { user_name: whatName });
  registerOnce(server, 'test_streaming_elicitation', { user_name: whatName });
  const capital = sample('What is the capital of France?', 100);
  registerOnce(server, 'test_input_required_result_sampling', { capital_question: capital });
  registerOnce(server, 'test_input_required_result_list_roots', { client_roots: inputRequired.listRoots() });
  registerOnce(server, 'test_missing_capability', { words: sample('Anything', 10) });
  registerOnce(server, 'test_elicitation_sep1034_defaults', {
    user: elicit('All have defaults', defaultsForm),
  });
  registerOnce(server, 'test_elicitation_sep1330_enums', { user: elicit('Choose', enumsForm) });

  for (const name of [
    'test_input_required_result_request_state',
    'test_input_required_result_tampered_state',
  ]) {
    server.registerTool(name, { description: 'Wants its state back' }, async (context) => {
      const { mcpReq } = context;
      if (mcpReq.requestState<string>() === 'asked' && mcpReq.inputResponses !== undefined) {
        return said('state-ok');
      }
      const requestState = await states.mint('asked', context);
      return inputRequired({ inputRequests: { confirm: confirmation }, requestState });
    });
  }

  const several = {
    user_name: whatName,
    greeting: sample('Generate a greeting', 50),
    client_roots: inputRequired.listRoots(),
  };
  server.registerTool(
    'test_input_required_result_multiple_inputs',
    { description: 'Asks for three things at once' },
    async (context) => {
      const { inputResponses = {} } = context.mcpReq;
      const isAnswered = Object.keys(several).every((key) => key in inputResponses);
      if (isAnswered && context.mcpReq.requestState<string>() === 'asked') {
        return said(JSON.stringify(inputResponses));
      }
      return inputRequired({ inputRequests: several, requestState: await states.mint('asked', context) });
    },
  );

  server.registerTool(
    'test_input_required_result_multi_round',
    { description: 'Asks one thing after another' },
    async (context) => {
      const { inputResponses } = context.mcpReq;
      const name =
        acceptedContent<{ name: string }>(inputResponses, 'step1')?.name ??
        context.mcpReq.requestState<string>();
      if (name === undefined || name === '') {
        const step1 = elicit('Step 1: What is your name?', form('name'));
        return inputRequired({ inputRequests: { step1 }, requestState: await states.mint('', context) });
      }
      const color = acceptedContent<{ color: string }>(inputResponses, 'step2')?.color;
      if (color !== undefined) return said(`${name} likes ${color}.`);
      const step2 = elicit('Step 2: What is your favorite color?', form('color'));
      return inputRequired({ inputRequests: { step2 }, requestState: await states.mint(name, context) });
    },
  );

  server.registerTool(
    'test_input_required_result_capabilities',
    { description: 'Asks whatever the client can answer' },
    ({ mcpReq }) => {
      if (mcpReq.inputResponses !== undefined) return said(JSON.stringify(mcpReq.inputResponses));
      // The SDK leaves the envelope's type empty.
      const envelope = mcpReq.envelope as Record<string, ClientCapabilities> | undefined;
      const can = envelope?.[CLIENT_CAPABILITIES_META_KEY] ?? {};
      return inputRequired({
        inputRequests: {
          ...(can.elicitation && { user_name: whatName }),
          ...(can.sampling && { words: sample('Anything', 10) }),
        },
      });
    },
  );

  server.registerTool(
    'test_sampling',
    { description: 'Lets the model speak', inputSchema: oneString('prompt') },
    ({ prompt = '' }, { mcpReq }) => {
      const answer = mcpReq.inputResponses?.['answer'];
      if (answer === undefined) return inputRequired({ inputRequests: { answer: sample(prompt, 100) } });
      return said(`LLM response: ${JSON.stringify(answer)}`);
    },
  );
  server.registerTool(
    'test_elicitation',
    { description: 'Asks for name and address', inputSchema: oneString('message') },
    ({ message = '' }, { mcpReq }) => {
      const answer = mcpReq.inputResponses?.['user'];
      if (answer !== undefined) return said(`User response: ${JSON.stringify(answer)}`);
      return inputRequired({ inputRequests: { user: elicit(message, form('username', 'email')) } });
    },
  );
}

/** A tool that asks until it has all its answers, and then repeats them. */
function registerOnce(server: McpServer, name: string, inputRequests: InputRequests): void {
  server.registerTool(
    name,
    { description: `Asks for ${Object.keys(inputRequests).join(', ')}` },
    ({ mcpReq }) => {
      const { inputResponses = {} } = mcpReq;
      const isAnswered = Object.keys(inputRequests).every((key) => key in inputResponses);
      return isAnswered ? said(JSON.stringify(inputResponses)) : inputRequired({ inputRequests });
    },
  );
}
