import { text as readAll } from 'node:stream/consumers';
import type { ProxyConfig } from '../config.ts';
import { errors } from '../errors.ts';
import { checkHeaderValue, parseSecretName } from '../option-values.ts';
import { listSecrets, openSecretsOf } from '../proxy.ts';
import { writeJson, type Output } from './output.ts';
import { askHidden, terminal, type Terminal } from './prompt.ts';

/** Keeps named secrets for `${keychain:NAME}` in headers. A value never stands on the command line. */
export async function secret(
  config: ProxyConfig,
  signal: AbortSignal,
  output: Output,
  person: Terminal = terminal,
): Promise<number> {
  const [action, name] = config.words;
  switch (action) {
    case 'set':
      await set(nameOf(name), config, signal, output, person);
      return 0;
    case 'remove':
      await remove(nameOf(name), config, output);
      return 0;
    case 'list':
      if (name !== undefined) throw errors.surplusArgument(name);
      await list(config, output);
      return 0;
    default:
      throw errors.secretActionUnusable(action);
  }
}

async function set(
  name: string,
  config: ProxyConfig,
  signal: AbortSignal,
  output: Output,
  person: Terminal,
): Promise<void> {
  const given =
    person.input.isTTY === true
      ? await askHidden(person, `Value of the secret ${name} (it is not shown): `, signal)
      : (await readAll(person.input)).replace(/\r?\n$/u, '');
  const value = given.trim();
  if (value === '') throw errors.secretValueUnusable('it is empty');
  const isKey = isPrivateKey(value);
  if (!isKey && /[\r\n]/u.test(value)) throw errors.secretValueUnusable('it has more than one line');
  const secrets = await openSecretsOf(config);
  await secrets.save(name, isKey ? value : checkHeaderValue(`the secret ${name}`, value));
  const use = isKey ? `--client-key keychain:${name}` : `--header 'NAME: \${keychain:${name}}'`;
  output.write(`The secret ${name} is kept in ${secrets.place}. Use it as ${use}.\n`);
}

/** A private key is the one secret that has lines: PEM, or JSON (JWK). */
function isPrivateKey(value: string): boolean {
  return /^-----BEGIN [A-Z ]*PRIVATE KEY-----/u.test(value) || /^\{[^]*"kty"[^]*\}$/u.test(value);
}

async function remove(name: string, config: ProxyConfig, output: Output): Promise<void> {
  const secrets = await openSecretsOf(config);
  const removed = await secrets.delete(name);
  output.write(
    removed ? `Removed the secret ${name} from ${secrets.place}.\n` : `There was no secret ${name}.\n`,
  );
}

async function list(config: ProxyConfig, output: Output): Promise<void> {
  const entries = await listSecrets(config);
  if (config.json) writeJson(output, entries);
  else if (entries.length === 0) output.write('There are no secrets.\n');
  else for (const { name, store } of entries) output.write(`${name}  (${store})\n`);
}

function nameOf(given: string | undefined): string {
  if (given === undefined) throw errors.secretNameUnusable('');
  return parseSecretName(given);
}
