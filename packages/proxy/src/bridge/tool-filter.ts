import picomatch from 'picomatch';
import type { JSONRPCRequest, JSONRPCResultResponse } from '@modelcontextprotocol/client';

/** Which tools of the server the host may see and call. */
export interface ToolFilter {
  /** The name of the tool that a request calls although it may not; undefined when the request may pass. */
  refused(request: JSONRPCRequest): string | undefined;
  /** The answer to a request as the host may see it. */
  filtered(request: JSONRPCRequest, answer: JSONRPCResultResponse): JSONRPCResultResponse;
}

/**
 * Hides tools by name: those that match a glob of `ignored`, and, if there are any, those that match none of `allowed`.
 */
export function createToolFilter(
  ignored: readonly string[],
  allowed: readonly string[],
): ToolFilter | undefined {
  if (ignored.length + allowed.length === 0) return undefined;
  const isIgnored = picomatch([...ignored], { dot: true });
  const isAllowed = allowed.length === 0 ? () => true : picomatch([...allowed], { dot: true });
  const isVisible = (name: unknown): boolean =>
    typeof name === 'string' && isAllowed(name) && !isIgnored(name);
  return {
    refused: ({ method, params }) => {
      if (method !== 'tools/call') return undefined;
      const name = params?.['name'];
      return isVisible(name) ? undefined : String(name);
    },
    filtered: ({ method }, answer) => {
      const { tools } = answer.result as { tools?: unknown };
      if (method !== 'tools/list' || !Array.isArray(tools)) return answer;
      const visible = tools.filter((tool: unknown) => isVisible((tool as { name?: unknown } | null)?.name));
      return { ...answer, result: { ...answer.result, tools: visible } };
    },
  };
}
