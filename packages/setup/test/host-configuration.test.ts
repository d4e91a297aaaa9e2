import { describe, expect, it } from 'vitest';
import { claudeDesktopFile, hostConfiguration } from '../src/clients/host-configuration.ts';
import { formatReport } from '../src/clients/report.ts';

const client = {
  clientId: '9436b02d-9305-4772-a237-5fabcf6e7f6a',
  scope: 'openid profile offline_access get_name',
  resource: 'http://localhost:8000/mcp',
  callbackPort: 3334,
  proxyPath: undefined,
};

const clientInfo =
  '{"client_id":"9436b02d-9305-4772-a237-5fabcf6e7f6a","scope":"openid profile offline_access get_name"}';

describe('the configuration of a host', () => {
  it("is the guide's block, with our package", () => {
    expect(hostConfiguration(client)).toEqual({
      mcpServers: {
        'name-server': {
          command: 'npx',
          args: [
            '-y',
            'mcp-keyhole',
            'http://localhost:8000/mcp',
            '3334',
            '--allow-http',
            '--static-oauth-client-info',
            clientInfo,
          ],
        },
      },
    });
  });

  it('allows http only where it is needed', () => {
    const { args } = hostConfiguration({ ...client, resource: 'https://mcp.example.com/mcp' }).mcpServers[
      'name-server'
    ];
    expect(args).not.toContain('--allow-http');
  });

  it('runs node with the path of a clone', () => {
    expect(
      hostConfiguration({ ...client, proxyPath: '/src/my clone/proxy.js' }).mcpServers['name-server'],
    ).toMatchObject({
      command: 'node',
      args: [
        '/src/my clone/proxy.js',
        'http://localhost:8000/mcp',
        '3334',
        '--allow-http',
        '--static-oauth-client-info',
        clientInfo,
      ],
    });
  });
});

describe('the report of a registration', () => {
  const registration = {
    clientId: client.clientId,
    name: 'Claude Desktop',
    scope: client.scope,
    resource: client.resource,
    configuration: hostConfiguration(client),
    change: 'created' as const,
    changes: [],
    clientSecret: null,
  };

  it("reads like the guide's", () => {
    const testUser = { email: 'test@example.com', password: 'password' };
    expect(formatReport({ ...registration, testUser }, 'darwin')).toMatchInlineSnapshot(`
      "MCP configuration for Claude Desktop:

      Client Id: 9436b02d-9305-4772-a237-5fabcf6e7f6a

      Add this to your MCP client config (Claude Desktop: ~/Library/Application Support/Claude/claude_desktop_config.json):

      {
        "mcpServers": {
          "name-server": {
            "command": "npx",
            "args": [
              "-y",
              "mcp-keyhole",
              "http://localhost:8000/mcp",
              "3334",
              "--allow-http",
              "--static-oauth-client-info",
              "{\\"client_id\\":\\"9436b02d-9305-4772-a237-5fabcf6e7f6a\\",\\"scope\\":\\"openid profile offline_access get_name\\"}"
            ]
          }
        }
      }

      Test user credentials:
        Email: test@example.com
        Password: password
      "
    `);
  });

  it('says where the secret belongs that it shows', () => {
    const { args } = hostConfiguration({ ...client, secretName: 'claude-desktop' }).mcpServers['name-server'];
    expect(args.slice(-2)).toEqual(['--client-secret', 'keychain:claude-desktop']);
    const text = formatReport({ ...registration, testUser: null, clientSecret: 's3cr3t' }, 'linux');
    expect(text).toContain('Client Secret: s3cr3t');
    expect(text).toContain('npx mcp-keyhole secret set claude-desktop');
    expect(JSON.stringify(args)).not.toContain('s3cr3t');
  });

  it('has no credentials where there is no test user', () => {
    expect(formatReport({ ...registration, testUser: null }, 'linux')).not.toContain('credentials');
  });

  it('names the file of Claude Desktop on each platform', () => {
    expect(claudeDesktopFile('win32')).toBe('%APPDATA%\\Claude\\claude_desktop_config.json');
    expect(claudeDesktopFile('linux')).toBe('~/.config/Claude/claude_desktop_config.json');
  });
});
