/* global fetch, URLSearchParams */
// The suite's authorization-server scenarios against the FusionAuth emulator, in each form that FusionAuth can have. What FusionAuth
// itself does not do is expected to fail, with the reason: a scenario that then passes is reported as well.
import { startEmulator } from '@mcp-keyhole/fusionauth-emulator';

const cimd = {
  check: 'authorization-server-metadata-cimd',
  reason: 'FusionAuth has client id metadata documents since 1.70.0, in its Enterprise edition only',
};
const grant = 'authorization-code-grant';
const metadata = 'authorization-server-metadata';

const unusable = { check: grant, reason: 'the suite does not go on without valid metadata' };

/** One emulator and client each; `expected` are the checks that FusionAuth does not pass. */
const forms = {
  'public client': { expected: [cimd] },
  'confidential client': {
    clientAuthenticationPolicy: 'Required',
    expected: [
      cimd,
      {
        check: grant,
        reason: 'FusionAuth lists `none` for its public clients, and the suite then sends no secret',
      },
    ],
  },
  'no resource': { resource: false, expected: [cimd] },
  'HS256, one-time refresh tokens': {
    emulator: { signing: 'HS256', refreshUsage: 'OneTimeUse' },
    expected: [cimd],
  },
  'without a license': {
    emulator: { licensed: false },
    relationship: 'FirstParty',
    expected: [cimd],
  },
  'issuer acme.com': {
    emulator: { issuer: 'acme.com' },
    expected: [
      cimd,
      { check: metadata, reason: 'the issuer is a free string until the tenant is given its URL' },
      unusable,
    ],
  },
  'before 1.64': {
    emulator: { fusionAuthVersion: '1.63.0' },
    resource: false,
    expected: [
      cimd,
      { check: metadata, reason: 'code_challenge_methods_supported is published since about 1.64' },
      unusable,
    ],
  },
};

/** The plays, in the shape of plan.mjs. */
export const authorizationServerPlan = ['2025-11-25', '2026-07-28'].flatMap((revision) =>
  Object.keys(forms).map((host) => ({
    set: 'authorization server',
    scenario: 'authorization-server',
    revision,
    host,
  })),
);

/**
 * Plays both scenarios against one form of the emulator.
 *
 * @param entry of authorizationServerPlan
 * @param suite `run(args, onOutput)` runs the suite; `checks()` answers what it wrote
 * @returns passed, outcome and why, as runner.mjs shows them
 */
export async function playAuthorizationServer({ revision, host }, port, suite) {
  const form = forms[host];
  const emulator = await startEmulator({ port: 0, ...form.emulator });
  try {
    const client = await register(emulator, form, port);
    let browser;
    const { output } = await suite.run(
      [
        ...['authorization', '--url', emulator.url, '--spec-version', revision, '--port', String(port)],
        ...['--client-id', client.id],
        ...(form.clientAuthenticationPolicy === 'Required' ? ['--client-secret', client.secret] : []),
        ...(form.resource === false ? [] : ['--resource', resource]),
      ],
      (text) => {
        const [url] = /^http\S+\/oauth2\/authorize\S+$/mu.exec(text) ?? [];
        if (url !== undefined) browser ??= signIn(url);
      },
    );
    await browser;
    return judge(suite.checks(), form.expected, output);
  } finally {
    await emulator.close();
  }
}

const resource = 'http://localhost:8000/mcp';

async function register(
  emulator,
  { clientAuthenticationPolicy = 'NotRequired', relationship = 'ThirdParty' },
  port,
) {
  const response = await fetch(`${emulator.url}/api/application`, {
    method: 'POST',
    headers: { authorization: emulator.apiKey, 'content-type': 'application/json' },
    body: JSON.stringify({
      application: {
        name: 'Conformance',
        oauthConfiguration: {
          authorizedRedirectURLs: [`http://127.0.0.1:${port}/callback`],
          authorizedResourceUris: [resource],
          clientAuthenticationPolicy,
          proofKeyForCodeExchangePolicy: 'Required',
          relationship,
        },
      },
    }),
  });
  if (!response.ok) throw new Error(`The client could not be registered: ${await response.text()}`);
  const { application } = await response.json();
  return { id: application.id, secret: application.oauthConfiguration.clientSecret };
}

/** A browser without scripts: follows redirects, keeps cookies, and fills in the login and the consent form. */
async function signIn(url) {
  const cookies = new Map();
  let target = new URL(url);
  const site = target.origin;
  let body;
  for (let step = 0; step < 12; step += 1) {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(target, {
      ...(body === undefined ? {} : { method: 'POST', body }),
      redirect: 'manual',
      headers: { cookie },
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/u.exec(line);
      if (value === '') cookies.delete(name);
      else cookies.set(name, value);
    }
    const location = response.headers.get('location');
    const page = await response.text();
    if (target.origin !== site) return;
    body = undefined;
    if (location !== null) {
      target = new URL(location, target);
      continue;
    }
    const [, csrf] = /name="csrf" value="([^"]+)"/u.exec(page) ?? [];
    if (csrf === undefined) throw new Error(`There is no form at ${target.href}:\n${page}`);
    const answers = { loginId: 'test@example.com', password: 'password', decision: 'allow' };
    body = new URLSearchParams({ csrf, ...answers });
  }
  throw new Error(`The sign-in did not end; last at ${target.href}`);
}

function judge(checks, expected, output) {
  const why = [];
  if (!checks.some(({ id }) => id === grant)) why.push(`the suite did not try the code grant\n${output}`);
  for (const { id, status, errorMessage } of checks) {
    const known = expected.some(({ check }) => check === id);
    if (status === 'SUCCESS' && known) why.push(`${id}: passes, though FusionAuth does not do that`);
    if (status !== 'SUCCESS' && !known) why.push(`${id}: ${errorMessage ?? status}`);
  }
  for (const { check } of expected) {
    if (!checks.some(({ id }) => id === check)) why.push(`${check}: was not checked`);
  }
  const passing = checks.filter(({ status }) => status === 'SUCCESS').map(({ id }) => id);
  const failing = expected.map(({ check, reason }) => `\n    ${check} as FusionAuth: ${reason}`);
  const outcome = `${passing.length === 0 ? 'nothing passes' : passing.join(', ')}${failing.join('')}`;
  return { passed: why.length === 0, outcome, why };
}
