// A FusionAuth and a server behind https: what the doctor says of certificates that nobody accepts.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  privateAuthority,
  type Certified,
  type PrivateAuthority,
} from '../../../proxy/test/support/certificates.ts';
import type { Finding } from '../../src/doctor/finding.ts';
import { runSetup } from '../support/command.ts';
import { doctorScene, visit, type DoctorScene } from '../support/doctor-scene.ts';
import { TlsFront } from '../support/tls-front.ts';

let folder: string;
let scene: DoctorScene;
let authority: PrivateAuthority;
const fronts: TlsFront[] = [];

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'keyhole-doctor-tls-'));
  [scene, authority] = await Promise.all([doctorScene(), privateAuthority(folder, 'company')]);
});
afterAll(async () => {
  for (const front of fronts) front.close();
  await scene.close();
  await rm(folder, { recursive: true, force: true });
});

/** @returns the https URL of what ends TLS before a server, at localhost */
async function front(certificate: Certified, target: string): Promise<string> {
  const started = await TlsFront.start(certificate, () => target);
  fronts.push(started);
  return started.url;
}

const local = ['DNS:localhost'];

/** The doctor in a process that knows the company's authority. */
async function visitWithAuthority(fusionAuth: string, server: string): Promise<readonly Finding[]> {
  const { stdout } = await runSetup(
    [
      'doctor',
      '--fusionauth-url',
      scene.emulator.url,
      '--public-url',
      fusionAuth,
      '--mcp-server-url',
      server,
      '--json',
    ],
    { NODE_EXTRA_CA_CERTS: authority.file },
  );
  return (JSON.parse(stdout) as { findings: Finding[] }).findings;
}

const about = (findings: readonly Finding[], url: string): Partial<Finding>[] =>
  findings.filter((one) => one.about === url).map(({ code, message }) => ({ code, message }));

describe('a certificate', () => {
  it('of an authority that is not known here is refused, at FusionAuth and the server, once each', async () => {
    const certificate = await authority.issue('unknown', local);
    const [fusionAuth, server] = await Promise.all([
      front(certificate, scene.emulator.url),
      front(certificate, scene.serverUrl),
    ]);
    const question = [
      '--fusionauth-url',
      fusionAuth,
      '--mcp-server-url',
      server,
      '--api-key',
      scene.emulator.apiKey ?? '',
    ];
    const found = await visit(...question, '--fix', '--yes');
    const refused = {
      code: 'certificate-refused',
      message: expect.stringContaining('UNABLE_TO_VERIFY_LEAF_SIGNATURE') as string,
    };
    expect(found.exitCode).toBe(1);
    expect(found.findings).toHaveLength(2);
    expect(about(found.findings, fusionAuth)).toEqual([refused]);
    expect(about(found.findings, server)).toEqual([refused]);
    expect(found.findings[0]?.remedy).toContain('NODE_EXTRA_CA_CERTS');
  });

  it('that has expired, or is for another host, is refused for that', async () => {
    const [fusionAuth, server] = await Promise.all([
      authority.issue('expired', local, -1).then((one) => front(one, scene.emulator.url)),
      authority
        .issue('other', ['DNS:mcp.example.com', 'DNS:example.org'])
        .then((one) => front(one, scene.serverUrl)),
    ]);
    const findings = await visitWithAuthority(fusionAuth, server);
    const yesterday = new Date(Date.now() - 24 * 3_600_000).toISOString().slice(0, 10);
    expect(about(findings, fusionAuth)).toEqual([
      { code: 'certificate-refused', message: `Its certificate has expired, on ${yesterday}.` },
    ]);
    expect(about(findings, server)).toEqual([
      {
        code: 'certificate-refused',
        message: 'Its certificate is for mcp.example.com, example.org, not for localhost.',
      },
    ]);
    expect(findings.map(({ code }) => code)).not.toContain('fusionauth-unreachable');
    expect(findings.map(({ code }) => code)).not.toContain('metadata-missing');
  });

  it('of an authority that is known is accepted, and its end is told two weeks before', async () => {
    const certificate = await authority.issue('known', local);
    const [fusionAuth, server] = await Promise.all([
      front(certificate, scene.emulator.url),
      front(certificate, scene.serverUrl),
    ]);
    const findings = await visitWithAuthority(fusionAuth, server);
    const day = new Date(Date.now() + 48 * 3_600_000).toISOString().slice(0, 10);
    const expires = { code: 'certificate-expires', message: `Its certificate expires on ${day}.` };
    expect(about(findings, fusionAuth)).toEqual([expires]);
    expect(about(findings, server)).toEqual([expires]);
  });
});
