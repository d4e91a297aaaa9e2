import { readFileSync } from 'node:fs';

/** Of 2025-03-26, for which the suite has no list of what is required. */
const backwardCompatibility = [
  'auth/2025-03-26-oauth-metadata-backcompat',
  'auth/2025-03-26-oauth-endpoint-fallback',
];

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

/**
 * All client scenarios, each at the revision whose wire it is played on.
 *
 * @param suite the folder of the suite's package, as a URL that ends with a slash
 * @returns { scenario, revision, counted, expected }[]; `counted` ones must pass, the others are only reported
 */
export function planScenarios(suite) {
  const scenarios = [
    ...backwardCompatibility.map((scenario) => ({ scenario, revision: '2025-03-26', counted: true })),
    ...['2025-11-25', '2026-07-28'].flatMap((revision) => required(revision, suite)),
    { scenario: 'auth/client-credentials-basic', revision: '2025-11-25', counted: true },
  ];
  return scenarios.map((entry) => ({
    ...entry,
    expected: refusals[entry.scenario] ?? 'answered',
  }));
}

/** What a revision requires of a client, as the suite itself lists it; only authorization counts so far. */
function required(revision, suite) {
  const text = readFileSync(new URL(`requirements/${revision}.yaml`, suite), 'utf8');
  const [, list = ''] = /^client:\n((?: {2}- \S+\n)+)/mu.exec(text) ?? [];
  const scenarios = [...list.matchAll(/- (\S+)/gu)].map(([, scenario]) => scenario);
  if (scenarios.length === 0) throw new Error(`The suite lists no client scenarios for ${revision}.`);
  return scenarios.map((scenario) => ({ scenario, revision, counted: scenario.startsWith('auth/') }));
}
