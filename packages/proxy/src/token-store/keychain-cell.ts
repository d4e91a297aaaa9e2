import type * as KeyringModule from '@napi-rs/keyring';
import { messageOf } from '@mcp-keyhole/cli-kit';
import { withDeadline } from '../deadline.ts';
import { adoptSessionBus } from '../desktop-session.ts';
import { errors, ProxyError } from '../errors.ts';
import type { OpenCell, SecretCell } from './keychain-item.ts';

type Keyring = typeof KeyringModule;

const service = 'mcp-keyhole';
/** Long enough to type the password of a keychain that asks to be unlocked; a host waits 60 s for its first answer. */
const answerWithin = 30_000;

/**
 * Opens cells of the operating system's keychain: macOS Keychain, Windows Credential Manager, or on Linux the Secret
 * Service and nothing else (left to itself the library falls back to kernel keyrings, which a reboot empties).
 *
 * @throws ProxyError `keychain-absent` when this session has none
 */
export async function openKeychain(): Promise<OpenCell> {
  adoptSessionBus(process.env);
  let keyring: Keyring;
  try {
    keyring = await import('@napi-rs/keyring');
  } catch (error) {
    throw errors.keychainAbsent('its library does not work here', error);
  }
  const kept = new Map<string, SecretCell>();
  return (account) => {
    const known = kept.get(account);
    if (known !== undefined) return known;
    const cell = openCell(keyring, account);
    kept.set(account, cell);
    return cell;
  };
}

function openCell({ AsyncEntry }: Keyring, account: string): SecretCell {
  let entry: InstanceType<typeof AsyncEntry>;
  try {
    entry = new AsyncEntry(service, account, { linux: { store: 'secret-service' } });
  } catch (error) {
    throw explain(error, 'open');
  }
  return {
    read: async () => {
      const secret = await bounded(entry.getSecret(), 'read');
      return secret === null ? undefined : Buffer.from(secret);
    },
    write: (secret) => bounded(entry.setSecret(secret), 'save'),
    remove: () => bounded(entry.deleteCredential(), 'remove'),
  };
}

async function bounded<Value>(call: Promise<Value>, what: string): Promise<Value> {
  try {
    return await withDeadline(call, { milliseconds: answerWithin, error: errors.keychainTimeout });
  } catch (error) {
    throw explain(error, what);
  }
}

/** The library gives nearly all errors one code, so their words decide, here and nowhere else. */
function explain(error: unknown, what: string): ProxyError {
  if (error instanceof ProxyError) return error;
  const words = messageOf(error);
  const absence = absences.find(([pattern]) => pattern.test(words));
  if (absence !== undefined) return errors.keychainAbsent(absence[1], error);
  if (
    /prompt was dismissed|locked|-25308|interaction is not allowed|errSecInteractionNotAllowed/iu.test(words)
  ) {
    return errors.keychainLocked(error);
  }
  return errors.keychainFailed(`${what} an item`, words, error);
}

/** How a Linux session without a keychain shows itself. */
const absences: readonly (readonly [RegExp, string])[] = [
  [/DBUS_SESSION_BUS_ADDRESS/u, 'it has no D-Bus session'],
  [
    /Failed to connect to socket|No such file or directory|Connection refused/u,
    'its D-Bus session has ended',
  ],
  [/not provided by any \.service|ServiceUnknown/u, 'its D-Bus session has no Secret Service'],
];
