import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { Client as V1Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as V1Transport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

/** What a host learns of a server in one connection. */
export interface Visit {
  readonly protocolVersion: string | undefined;
  readonly tools: string[];
  /** The result of get_name, without the members that only one era adds. */
  readonly result: unknown;
}

const clientInfo = { name: 'test-host', version: '1.0.0' };

/** Connects, lists the tools, calls get_name, disconnects. */
export type Visitor = (endpoint: string, token?: string) => Promise<Visit>;

/** A host built on the SDK's line that real hosts still run. */
export const v1Host: Visitor = async (endpoint, token) => {
  const transport = new V1Transport(new URL(endpoint), requestOptions(token));
  const client = new V1Client(clientInfo);
  await client.connect(transport);
  const { tools } = await client.listTools();
  const result = await client.callTool({ name: 'get_name', arguments: {} });
  await client.close();
  return { protocolVersion: transport.protocolVersion, tools: tools.map(({ name }) => name), result };
};

/** A host built on the SDK's current line, in the era that it is told. */
export const v2Host =
  (mode: 'legacy' | 'auto' | { pin: string }): Visitor =>
  async (endpoint, token) => {
    const client = new Client(clientInfo, { versionNegotiation: { mode } });
    await client.connect(new StreamableHTTPClientTransport(new URL(endpoint), requestOptions(token)));
    const { tools } = await client.listTools();
    const result = await client.callTool({ name: 'get_name', arguments: {} });
    const protocolVersion = client.getNegotiatedProtocolVersion();
    await client.close();
    return { protocolVersion, tools: tools.map(({ name }) => name), result };
  };

function requestOptions(token: string | undefined): { requestInit?: RequestInit } {
  return token === undefined ? {} : { requestInit: { headers: { Authorization: `Bearer ${token}` } } };
}
