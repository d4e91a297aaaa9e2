import {
  listOption,
  port,
  switchOption,
  UsageError,
  valueOption,
  type OptionValues,
} from '@mcp-keyhole/cli-kit';
import { connect } from '../api-key.ts';
import { descriptionOf } from '../clients/application.ts';
import { planClient } from '../clients/client-plan.ts';
import { redirectUrls, scopeNamed, type ClientDescription } from '../clients/client.ts';
import { carryOut, findClient } from '../clients/clients.ts';
import { secretLines } from '../clients/report.ts';
import { parseName, parseRedirectUrl, parseResource, parseScopeName } from '../option-values.ts';
import { connectionOptions, foreignOption, outputOptions } from '../options.ts';
import { defineCommand, oneReference } from './command.ts';

const list = (flag: string, placeholder: string, help: string, parse: (raw: string) => string) =>
  listOption({ flag, placeholder, help, parse });

const options = {
  name: valueOption({
    flag: 'name',
    placeholder: 'NAME',
    help: 'Another name',
    parse: parseName,
    fallback: undefined,
  }),
  callbackPort: valueOption({
    flag: 'port',
    placeholder: 'PORT',
    help: 'The port of the proxy to which a sign-in comes back: its redirect URLs in place of those on loopback',
    parse: (raw) => port(raw),
    fallback: undefined,
  }),
  addRedirectUrls: list('add-redirect-url', 'URL', 'Where else a sign-in may come back to', parseRedirectUrl),
  removeRedirectUrls: list('remove-redirect-url', 'URL', 'Where it may not any more', String),
  addResources: list('add-resource', 'URL', 'What else its tokens may be for', parseResource),
  removeResources: list('remove-resource', 'URL', 'What they may not be for any more', String),
  addScopes: list('add-scope', 'SCOPE', 'A further scope of its own', parseScopeName),
  removeScopes: list('remove-scope', 'SCOPE', 'A scope that it loses', String),
  confidential: switchOption({ flag: 'confidential', help: 'It gets a secret, which is printed once' }),
  public: switchOption({ flag: 'public', help: 'It has no secret any more' }),
  foreign: foreignOption,
  ...connectionOptions,
  ...outputOptions,
} as const;

export const command = defineCommand({
  name: 'update',
  summary: 'Changes what is named of one client, and says what was changed. The rest stays as it is.',
  usage: ['update NAME|CLIENT-ID [flags]'],
  options,
  config({ values, positionals }): UpdateConfig {
    if (values.confidential && values.public) {
      throw new UsageError('--confidential and --public exclude one another.', 'Give one of them.');
    }
    return { ...values, reference: oneReference(positionals) };
  },
  async run(config, { terminal, write }) {
    const fusionAuth = await connect(config, terminal);
    const application = await findClient(fusionAuth, config.reference, config);
    const before = descriptionOf(application);
    const plan = planClient(changed(before, config), {}, application);
    const { clientSecret } = plan.action === 'leave' ? {} : await carryOut(fusionAuth, plan, terminal);
    const { name, clientId, says: changes } = plan;
    const result = { name, clientId, changes, clientSecret: clientSecret ?? null };
    write(config.json ? `${JSON.stringify(result)}\n` : inWords(result));
    return 0;
  },
});

type UpdateConfig = OptionValues<typeof options> & { readonly reference: string };

/** What the client shall be. @throws UsageError when what is to be removed is not there */
function changed(before: ClientDescription, config: UpdateConfig): ClientDescription {
  const { callbackPort, confidential } = config;
  const isProxys = (url: string): boolean =>
    /^http:\/\/(?:localhost|127\.0\.0\.1):\d+\/(?:oauth\/)?callback$/u.test(url);
  const urls =
    callbackPort === undefined
      ? before.redirectUrls
      : [...before.redirectUrls.filter((url) => !isProxys(url)), ...redirectUrls(callbackPort)];
  const names = edited(
    before.scopes.map(({ name }) => name),
    config.addScopes,
    config.removeScopes,
    'scope',
  );
  return {
    name: config.name ?? before.name,
    redirectUrls: edited(urls, config.addRedirectUrls, config.removeRedirectUrls, 'redirect URL'),
    resources: edited(before.resources, config.addResources, config.removeResources, 'resource'),
    scopes: names.map((name) => before.scopes.find((scope) => scope.name === name) ?? scopeNamed(name)),
    confidential: confidential || (before.confidential && !config.public),
  };
}

function edited(
  before: readonly string[],
  add: readonly string[],
  remove: readonly string[],
  what: string,
): string[] {
  const absent = remove.find((item) => !before.includes(item));
  if (absent !== undefined) {
    throw new UsageError(
      `The client has no ${what} ${JSON.stringify(absent)}.`,
      `It has ${before.join(', ') || 'none'}.`,
    );
  }
  return [...new Set([...before, ...add])].filter((item) => !remove.includes(item));
}

function inWords(result: {
  name: string;
  clientId: string;
  changes: readonly string[];
  clientSecret: string | null;
}): string {
  const { name, clientId, changes, clientSecret } = result;
  const head = `${name} (client id ${clientId}) ${changes.length === 0 ? 'is as it was: nothing had to be changed.' : 'was changed:'}`;
  return `${[head, ...changes.map((line) => `  ${line}`), ...secretLines(clientSecret)].join('\n')}\n`;
}
