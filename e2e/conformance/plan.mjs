import { readFileSync } from 'node:fs';

/** The hosts that each required scenario is played with (mcp-host.ts). */
const hosts = ['legacy', 'pinned', 'auto'];

/** The code with which the proxy refuses what must be refused; every other scenario must end with answers. */
const refusals = {
  'auth/scope-retry-limit': 'scope-missing',
  'auth/resource-mismatch': 'resource-mismatch',
  'auth/iss-supported-missing': 'sign-in-invalid',
  'auth/iss-wrong-issuer': 'sign-in-invalid',
  'auth/iss-unexpected': 'sign-in-invalid',
  'auth/iss-normalized': 'sign-in-invalid',
  'auth/metadata-issuer-mismatch': 'issuer-mismatch',
};

const extensions = [
  'auth/dpop',
  'auth/dpop-nonce',
  'auth/client-credentials-basic',
  'auth/client-credentials-jwt',
  'auth/enterprise-managed-authorization',
  'auth/wif-jwt-bearer',
];

/** Client scenarios that no revision requires, or that are required of 2025-03-26, for which the suite has no list. */
const further = [
  { scenario: 'auth/2025-03-26-oauth-metadata-backcompat', revision: '2025-03-26', hosts: ['legacy'] },
  { scenario: 'auth/2025-03-26-oauth-endpoint-fallback', revision: '2025-03-26', hosts: ['legacy'] },
  // The extensions, which no revision requires.
  ...extensions.flatMap((scenario) =>
    ['2025-11-25', '2026-07-28'].map((revision) => ({ scenario, revision, hosts })),
  ),
  { scenario: 'json-schema-2020-12-preservation', revision: '2025-11-25', hosts },
  { scenario: 'json-schema-2020-12-preservation', revision: '2026-07-28', hosts },
];

/**
 * All plays: a client scenario, the revision whose wire the suite's server speaks, and the host. All of them must pass.
 *
 * @param suite the folder of the suite's package, as a URL that ends with a slash
 * @returns { set, scenario, revision, host, expected }[]; `set` is the revision that requires it, or `further`
 */
export function planScenarios(suite) {
  const scenarios = [
    ...further.map((entry) => ({ set: 'further', ...entry })),
    ...['2025-11-25', '2026-07-28'].flatMap((revision) =>
      required(revision, 'client', suite).map((scenario) => ({ set: revision, scenario, revision, hosts })),
    ),
  ];
  return scenarios.flatMap(({ hosts, ...entry }) =>
    hosts.map((host) => ({ ...entry, host, expected: refusals[entry.scenario] ?? 'answered' })),
  );
}

/**
 * What a revision requires, as the suite itself lists it.
 *
 * @param leg `client` or `server`
 */
export function required(revision, leg, suite) {
  const text = readFileSync(new URL(`requirements/${revision}.yaml`, suite), 'utf8');
  const [, list = ''] = new RegExp(`^${leg}:\\n((?: {2}- \\S+\\n)+)`, 'mu').exec(text) ?? [];
  const scenarios = [...list.matchAll(/- (\S+)/gu)].map(([, scenario]) => scenario);
  if (scenarios.length === 0) throw new Error(`The suite lists no ${leg} scenarios for ${revision}.`);
  return scenarios;
}
