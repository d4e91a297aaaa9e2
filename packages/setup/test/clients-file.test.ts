import { CliError } from '@mcp-keyhole/cli-kit';
import { describe, expect, it } from 'vitest';
import schema from '../clients.schema.json' with { type: 'json' };
import { readClientsFile } from '../src/apply/clients-file.ts';
import { declaredClients, type DeclaredClients } from '../src/apply/declared-clients.ts';
import { connectors } from '../src/clients/connectors.ts';

const read = (text: string): DeclaredClients => declaredClients(readClientsFile(text, 'clients.yaml'));

function mistakes(text: string): readonly string[] {
  try {
    read(text);
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    expect(error).toMatchObject({ code: 'clients-file-invalid', exitCode: 2 });
    return (error as CliError).remedy.split('\n');
  }
  throw new Error('it is accepted');
}

describe('a clients file', () => {
  it('declares clients with the scopes and resources that they name', () => {
    const declared = read(`
# yaml-language-server: $schema=./clients.schema.json
set: team-a
resources:
  main: https://mcp.example.com/mcp
scopes:
  get_name:
  write:
    description: Writing
    message: Write for you
    required: false
defaults:
  resources: [main]
  scopes: [get_name]
  port: 4000
clients:
  - name: Claude Desktop
  - name: Claude on the web
    for: claude.ai
    scopes: [get_name, write]
    resources: [main, https://two.example/mcp]
  - { name: Own, redirectUrls: ['https://host.example/cb'], confidential: true }
`);
    expect(declared.set).toBe('team-a');
    expect(declared.clients).toMatchObject([
      {
        name: 'Claude Desktop',
        resources: ['https://mcp.example.com/mcp'],
        scopes: [{ name: 'get_name', consentMessage: 'Allow this application to read your name' }],
        confidential: false,
      },
      {
        redirectUrls: ['https://claude.ai/api/mcp/auth_callback', 'https://claude.com/api/mcp/auth_callback'],
        resources: ['https://mcp.example.com/mcp', 'https://two.example/mcp'],
        scopes: [{ name: 'get_name' }, { name: 'write', consentMessage: 'Write for you', required: false }],
        confidential: true,
      },
      { redirectUrls: ['https://host.example/cb'], confidential: true },
    ]);
    expect(declared.clients[0]?.redirectUrls).toContain('http://localhost:4000/oauth/callback');
  });

  it('may be written with anchors, or as JSON', () => {
    const text = 'x: 1\nclients: []';
    expect(() => read(text)).toThrow();
    expect(read('{"clients": []}')).toEqual({ set: 'default', clients: [] });
    const anchors =
      'defaults: &usual { resources: [https://a.example/mcp] }\nclients:\n  - { <<: *usual, name: One }\n';
    expect(read(anchors).clients).toMatchObject([{ name: 'One', resources: ['https://a.example/mcp'] }]);
  });

  const client = (more: string): string =>
    `defaults:\n  resources: [https://a.example/mcp]\nclients:\n  - name: One\n    ${more}\n`;

  it.each([
    ['no map', '[1]', /^line 1, column 1: the file is not a map/u],
    ['nothing', '', /^line 1, column 1: the file is not a map/u],
    ['broken YAML', 'clients: [', /^line 1, column \d+: /u],
    ['a name twice', 'clients: []\nclients: []\n', /^line 2, column 1: Map keys must be unique/u],
    ['no clients', 'set: a\n', /^line 1, column 1: the file has no clients\. Add it: The clients/u],
    [
      'an unknown member',
      client('prot: 1'),
      /^line 5, column 5: clients\[0\] has no "prot"\. Did you mean port\?/u,
    ],
    ['a wrong port', client('port: 0'), /^line 5, column 11: clients\[0\]\.port must be >= 1\./u],
    ['a word for a list', client('scopes: a'), /^line 5, column 13: clients\[0\]\.scopes is not a list\./u],
    [
      'an unknown host',
      client('for: claude'),
      /^line 5, column 10: clients\[0\]\.for is "claude"\. Did you mean claude\.ai\?/u,
    ],
    [
      'a bad redirect URL',
      client('redirectUrls: [http://a.example/cb]'),
      /^line 5, column 20: clients\[0\]\.redirectUrls\[0\] cannot be .*reads the code/u,
    ],
    [
      'a scope that is not declared',
      client('scopes: [wirte]') + 'scopes: { write: }\n',
      /^line 5, column 14: there is no scope "wirte"\. Did you mean write\?/u,
    ],
    [
      'a resource that is not declared',
      client('resources: [main]'),
      /^line 5, column 17: there is no resource "main"\. Declare it/u,
    ],
    [
      'a resource that is no URL',
      client('resources: ["ftp://x"]'),
      /^line 5, column 17: the resource "ftp:\/\/x" cannot be used/u,
    ],
    [
      'a client twice',
      client('') + '  - name: ONE\n',
      /^line 6, column 11: clients\[1\] has the name of clients\[0\]/u,
    ],
    ['no resource at all', 'clients:\n  - name: One\n', /^line 2, column 5: clients\[0\] has no resources/u],
    [
      'a scope of two words',
      'scopes: { "a b": }\nclients: []\n',
      /^line 1, column 11: the name in scopes cannot be "a b"/u,
    ],
    [
      'a scope of FusionAuth',
      'scopes: { openid: }\nclients: []\n',
      /^line 1, column 11: .*without being told/u,
    ],
    [
      'a name of two lines',
      'clients:\n  - name: "a\\nb"\n    resources: [https://a.example/mcp]\n',
      /^line 2, column 11: .*one line of text/u,
    ],
  ])('with %s is refused at its line', (_what, text, expected) => {
    expect(mistakes(text)[0]).toMatch(expected);
  });

  it('tells all of its mistakes together, one in the defaults once', () => {
    const text = 'defaults: { resources: [main] }\nclients:\n  - name: One\n  - name: Two\n  - name: One\n';
    expect(mistakes(text)).toHaveLength(2);
    expect(mistakes('set: 1\nclients:\n  - nmae: One\n')).toHaveLength(3);
  });

  it('knows the hosts that register knows', () => {
    expect(schema.$defs.for.enum).toEqual(connectors.map(({ id }) => id));
  });
});
