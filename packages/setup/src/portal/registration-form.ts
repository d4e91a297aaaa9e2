import { clean, InvalidValue, port } from '@mcp-keyhole/cli-kit';
import { offered } from './host-guide.ts';
import { connectorOf, type ClientRequest } from './own-clients.ts';

/** How long a name may be, in UTF-16 code units, as `maxlength` counts them. */
export const longestName = 80;

/** The form as it was sent: what it asks for, or what is wrong with each field. */
export interface RegistrationForm {
  readonly values: Readonly<Record<Field, string>>;
  readonly problems: Partial<Readonly<Record<Field, string>>>;
  /** Undefined when there are problems. */
  readonly request?: ClientRequest | undefined;
}

export type Field = 'name' | 'host' | 'port';

/** The proxy's own port is there already; host and name are the user's to choose. */
export const emptyForm: RegistrationForm = { values: { name: '', host: '', port: '3334' }, problems: {} };

export function readRegistration(fields: Readonly<Record<string, string>>): RegistrationForm {
  const values = {
    name: (fields['name'] ?? '').trim(),
    host: fields['host'] ?? '',
    port: (fields['port'] ?? '').trim(),
  };
  const callbackPort = portOf(values.port);
  const problems = {
    ...problem('name', nameProblem(values.name)),
    ...problem(
      'host',
      offered.some(({ id }) => id === values.host) || connectorOf(values.host) !== undefined
        ? undefined
        : 'Choose a host.',
    ),
    ...problem('port', callbackPort === undefined ? 'A port is a whole number from 1 to 65535.' : undefined),
  };
  if (callbackPort === undefined || Object.keys(problems).length > 0) return { values, problems };
  const { name, host } = values;
  return { values, problems, request: { name, host, callbackPort } };
}

function problem(field: Field, what: string | undefined): RegistrationForm['problems'] {
  return what === undefined ? {} : { [field]: what };
}

function nameProblem(name: string): string | undefined {
  if (name === '') return 'Give the client a name.';
  if (name.length > longestName) return `A name has ${String(longestName)} characters at most.`;
  // It stands on the consent page, where text that hides or reorders itself could pretend to be another.
  return clean(name) === name && !/\s{2}|[\t\n\r]/u.test(name)
    ? undefined
    : 'A name is one line of ordinary text.';
}

function portOf(raw: string): number | undefined {
  try {
    return port(raw);
  } catch (error) {
    if (error instanceof InvalidValue) return undefined;
    throw error;
  }
}
