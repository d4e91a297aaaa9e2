// The suite's server scenarios against our server, each request with a real token: all that the revisions require with the
// fixtures that they look for, and those that need none against the program as it is shipped.
import { required } from './plan.mjs';

/** What no revision requires, but for the extensions, of which the server has none. */
const further = {
  '2025-11-25': ['server-session-lifecycle', 'json-schema-2020-12', 'server-sse-polling'],
  '2026-07-28': ['json-schema-2020-12', 'http-header-validation', 'http-custom-header-server-validation'],
};

/** What can be asked of a server that has one tool, get_name, and neither prompts nor resources nor logging. */
const withoutFixtures = {
  '2025-11-25': [
    'server-initialize',
    'ping',
    'tools-list',
    'server-sse-multiple-streams',
    'dns-rebinding-protection',
    'server-session-lifecycle',
  ],
  '2026-07-28': [
    'tools-list',
    'server-sse-multiple-streams',
    'dns-rebinding-protection',
    'input-required-result-unsupported-methods',
    'http-header-validation',
  ],
};

/** The twin: without the forwarder's token the same scenario fails, since nobody is let in. */
const withoutToken = { '2025-11-25': ['ping'], '2026-07-28': ['tools-list'] };

/**
 * The plays, in the shape of plan.mjs; their host is which server is played against.
 *
 * @param suite the folder of the suite's package, as a URL that ends with a slash
 */
export function planServer(suite) {
  return ['2025-11-25', '2026-07-28'].flatMap((revision) => {
    const plays = (set, host, scenarios) => scenarios.map((scenario) => ({ set, scenario, revision, host }));
    return [
      ...plays(`server ${revision}`, 'fixtures', required(revision, 'server', suite)),
      ...plays('server, further', 'fixtures', further[revision]),
      ...plays('server as shipped', 'shipped', withoutFixtures[revision]),
      ...plays('server without a token', 'bare', withoutToken[revision]),
    ];
  });
}

/** The plays by server and revision: the suite plays all scenarios of a revision in one go, which takes as long as three alone. */
export function sittings(plays) {
  const placeOf = ({ host, revision }) => `${host} ${revision}`;
  const places = [...new Set(plays.map(placeOf))];
  return places.map((place) => plays.filter((play) => placeOf(play) === place));
}

/**
 * Plays one sitting.
 *
 * @param plays of one server and revision
 * @param servers the endpoints by `host`
 * @param suite `run(args)` runs the suite; `checks(scenario)` answers what it found out, undefined where it has not played it
 * @returns each play with passed, outcome and why, as runner.mjs shows them
 */
export async function playServer(plays, servers, suite) {
  const [{ host, revision, scenario }] = plays;
  const scope =
    plays.length > 1 ? ['--requirements', revision] : ['--scenario', scenario, '--spec-version', revision];
  const { output } = await suite.run(['server', '--url', servers[host], ...scope]);
  return plays.map((play) => {
    const checks = suite.checks(play.scenario);
    const why = checks === undefined ? [`the suite has not played it\n${output}`] : problemsIn(checks);
    return { ...play, ...(host === 'bare' ? judgeRefusal(why) : judge(why)) };
  });
}

function judge(why) {
  const passed = why.length === 0;
  return { passed, outcome: passed ? 'conforms' : 'does not conform', why };
}

function judgeRefusal(why) {
  const passed = why.length > 0 && why.every((problem) => problem.includes('"invalid_token"'));
  return { passed, outcome: passed ? 'refused, as it must be' : 'not refused', why };
}

/** The checks that did not succeed. What was skipped would show that the fixtures do not bring it about. */
function problemsIn(checks) {
  if (checks.length === 0) return ['nothing was checked'];
  return checks
    .filter(({ status }) => status !== 'SUCCESS' && status !== 'INFO')
    .map(({ id, status, description, errorMessage }) => `${id}: ${status}: ${errorMessage ?? description}`);
}
