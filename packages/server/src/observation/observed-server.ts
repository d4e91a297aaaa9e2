import { isInputRequiredResult, type McpServerFactory } from '@modelcontextprotocol/server';
import { cleanLine } from '@mcp-keyhole/cli-kit';
import { callerOf } from '../caller.ts';
import { audit } from './audit.ts';
import { millisecondsSince, type Observation } from './observation.ts';
import { currentRequest } from './request-context.ts';

/** How a tool call ended. `tool-error`: the tool says so; `refused`: JSON-RPC error; `cancelled`: there was no answer. */
export type ToolOutcome = 'ok' | 'tool-error' | 'input-required' | 'refused' | 'cancelled';

/**
 * Observes the tool calls of every server that a factory makes, whoever made it, on the messages that it gets and sends:
 * a log line and an audit line for each, a measurement, a span.
 */
export function observedServers(factory: McpServerFactory, { log, metrics }: Observation): McpServerFactory {
  // Strangers choose tool names: only one that has answered labels a metric.
  const knownTools = new Set<string>();

  return async (context) => {
    const server = await factory(context);
    const request = currentRequest();
    const caller = callerOf(context.authInfo);

    /** Begins the observation of a call; the returned function ends it. */
    const begin = (tool: string): ((outcome: ToolOutcome) => void) => {
      const started = performance.now();
      const span = request?.span.child('tools/call', {
        'mcp.method.name': 'tools/call',
        'gen_ai.tool.name': tool,
      });
      return (outcome) => {
        if (outcome !== 'refused' && outcome !== 'cancelled') knownTools.add(tool);
        const milliseconds = millisecondsSince(started);
        const label = knownTools.has(tool) ? tool : 'unknown';
        metrics.toolCall({ tool: label, outcome }, milliseconds / 1_000);
        span?.end({ 'mcp_keyhole.outcome': outcome }, outcome === 'ok' ? undefined : outcome);
        log.info({ tool, ...caller, outcome, milliseconds }, 'tool called');
        audit(log, { tool, caller, address: request?.address, outcome });
      };
    };

    const calls = new Map<string | number, (outcome: ToolOutcome) => void>();
    const end = (id: string | number | undefined, outcome: ToolOutcome): void => {
      if (id === undefined) return;
      calls.get(id)?.(outcome);
      calls.delete(id);
    };
    const connect = server.connect.bind(server);
    server.connect = async (transport) => {
      await connect(transport);
      const { onmessage, onclose } = transport;
      // What passes here has the form of a message already: its members tell which one it is.
      transport.onmessage = (message, extra) => {
        if ('method' in message && 'id' in message && message.method === 'tools/call') {
          calls.set(message.id, begin(cleanLine(String(message.params?.['name']), 128)));
        }
        onmessage?.(message, extra);
      };
      const send = transport.send.bind(transport);
      transport.send = (message, options) => {
        if ('error' in message) end(message.id, 'refused');
        else if ('result' in message) end(message.id, outcomeOf(message.result));
        return send(message, options);
      };
      transport.onclose = () => {
        for (const id of [...calls.keys()]) end(id, 'cancelled');
        onclose?.();
      };
    };
    return server;
  };
}

function outcomeOf(result: Readonly<Record<string, unknown>>): ToolOutcome {
  if (isInputRequiredResult(result)) return 'input-required';
  return result['isError'] === true ? 'tool-error' : 'ok';
}
