import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A certificate and its private key, PEM. */
export interface Certified {
  readonly cert: string;
  readonly key: string;
}

/** A certificate authority of a company, which nobody outside knows. */
export interface PrivateAuthority {
  readonly cert: string;
  /** Where the certificate is. */
  readonly file: string;
  /** A certificate for a server of these names, such as `DNS:localhost`, or for a client; for two days, or expired since. */
  issue(name: string, alternatives?: readonly string[], days?: number): Promise<Certified>;
}

/** Makes an authority with the program `openssl`; its files are in the folder. */
export async function privateAuthority(folder: string, name: string): Promise<PrivateAuthority> {
  const at = (file: string): string => path.join(folder, `${name}-${file}`);
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const usages = ['-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign'];
  const subject = ['-subj', `/CN=${name}`];
  const authority = ['-keyout', at('ca.key'), '-out', at('ca.pem')];
  await openssl(['req', '-x509', '-days', '2', ...newKey, ...authority, ...subject, ...usages]);
  return {
    cert: await readFile(at('ca.pem'), 'utf8'),
    file: at('ca.pem'),
    issue: async (holder, alternatives = [], days = 2) => {
      const [key, request, extensions, cert] = ['key', 'csr', 'ext', 'pem'].map((end) =>
        at(`${holder}.${end}`),
      ) as [string, string, string, string];
      const names = alternatives.length === 0 ? '' : `subjectAltName=${alternatives.join(',')}\n`;
      await writeFile(extensions, `basicConstraints=CA:FALSE\n${names}`);
      await openssl(['req', ...newKey, '-keyout', key, '-out', request, '-subj', `/CN=${holder}`]);
      const by = ['-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-CAcreateserial'];
      await openssl([
        'x509',
        '-req',
        '-days',
        String(days),
        '-in',
        request,
        ...by,
        '-extfile',
        extensions,
        '-out',
        cert,
      ]);
      return { cert: await readFile(cert, 'utf8'), key: await readFile(key, 'utf8') };
    },
  };
}

/** The same key under a passphrase. */
export async function sealedKey(folder: string, key: string, passphrase: string): Promise<string> {
  const [open, sealed] = [path.join(folder, 'open.key'), path.join(folder, 'sealed.key')];
  await writeFile(open, key);
  await openssl(['pkcs8', '-topk8', '-in', open, '-out', sealed, '-passout', `pass:${passphrase}`]);
  return readFile(sealed, 'utf8');
}

async function openssl(args: readonly string[]): Promise<void> {
  try {
    await run('openssl', args);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      throw new Error(
        'these tests need the program openssl: `apt-get install openssl` (macOS: `brew install openssl`; Windows has it with Git)',
        { cause: error },
      );
    }
    throw error;
  }
}
