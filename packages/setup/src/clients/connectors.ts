/** A host that signs in by itself, without the proxy: where its sign-ins come back to, and where it is told of its client. */
export interface Connector {
  readonly id: string;
  readonly title: string;
  readonly redirectUrls: readonly string[];
  /** Whether it runs at its vendor's and keeps a secret there. */
  readonly confidential: boolean;
  /** Where URL, client id and secret are entered. */
  readonly place: string;
}

/** The hosts of `--for`; their redirect URLs are those that their makers document. */
export const connectors: readonly Connector[] = [
  {
    id: 'claude.ai',
    title: 'Claude on the web, on phones and as a connector of Claude Desktop',
    // Anthropic asks for both: it is moving from the one to the other.
    redirectUrls: ['https://claude.ai/api/mcp/auth_callback', 'https://claude.com/api/mcp/auth_callback'],
    confidential: true,
    place: 'Settings → Connectors → Add custom connector → Advanced settings',
  },
  {
    id: 'chatgpt',
    title: 'ChatGPT',
    redirectUrls: ['https://chatgpt.com/connector_platform_oauth_redirect'],
    confidential: true,
    place:
      'Settings → Apps & Connectors → Create; where ChatGPT shows a callback URL of its own for the app, add it: update NAME --add-redirect-url URL',
  },
  {
    id: 'vscode',
    title: 'VS Code, signing in by itself',
    redirectUrls: [
      'http://127.0.0.1:33418/',
      'http://127.0.0.1:33418',
      'http://localhost:33418/',
      'https://vscode.dev/redirect',
      'https://insiders.vscode.dev/redirect',
    ],
    confidential: false,
    place: 'the dialogue for the client id that VS Code opens at the first sign-in',
  },
  {
    id: 'cursor',
    title: 'Cursor, signing in by itself',
    redirectUrls: [
      'cursor://anysphere.cursor-mcp/oauth/callback',
      'http://localhost:8787/callback',
      'https://www.cursor.com/agents/mcp/oauth/callback',
    ],
    confidential: false,
    place: 'mcp.json, as auth.CLIENT_ID of the server',
  },
  {
    id: 'inspector',
    title: 'MCP Inspector',
    redirectUrls: ['http://localhost:6274/oauth/callback', 'http://localhost:6274/oauth/callback/debug'],
    confidential: false,
    place: 'Authentication → OAuth 2.0 Flow',
  },
];

/** The connector of that id; undefined when there is none. */
export function connectorNamed(id: string | undefined): Connector | undefined {
  return connectors.find((connector) => connector.id === id);
}
