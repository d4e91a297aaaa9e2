import { isIP } from 'node:net';
import { httpUrl, InvalidValue, port, seconds, valueOption, type OptionValues } from '@mcp-keyhole/cli-kit';
import { listenAddress } from './listen-address.ts';

/** The options about running the server well, rather than about whom it lets in. */
export const operationOptions = {
  rateLimitUser: valueOption({
    flag: 'rate-limit-user',
    env: 'RATE_LIMIT_USER',
    placeholder: 'NUMBER',
    help: 'Requests a minute that one user may make; 0 is no limit [600]',
    parse: wholeNumber,
    fallback: 600,
  }),
  rateLimitClient: valueOption({
    flag: 'rate-limit-client',
    env: 'RATE_LIMIT_CLIENT',
    placeholder: 'NUMBER',
    help: 'Requests a minute that all users of one MCP client may make together; 0 is no limit [30000]',
    parse: wholeNumber,
    fallback: 30_000,
  }),
  maxConnections: valueOption({
    flag: 'max-connections',
    env: 'MAX_CONNECTIONS',
    placeholder: 'NUMBER',
    help: 'Connections at once; further ones are closed [10000]',
    parse: positiveNumber,
    fallback: 10_000,
  }),
  sessionTimeout: valueOption({
    flag: 'session-timeout',
    env: 'SESSION_TIMEOUT',
    placeholder: 'SECONDS',
    help: 'How long the session of a legacy client outlasts its last use [3600]',
    parse: seconds,
    fallback: 3_600_000,
  }),
  maxSessions: valueOption({
    flag: 'max-sessions',
    env: 'MAX_SESSIONS',
    placeholder: 'NUMBER',
    help: 'Sessions of legacy clients, over all nodes; further clients are served without one [10000]',
    parse: positiveNumber,
    fallback: 10_000,
  }),
  requestTimeout: valueOption({
    flag: 'request-timeout',
    env: 'REQUEST_TIMEOUT',
    placeholder: 'SECONDS',
    help: 'How long a client may take to send a request [30]',
    parse: seconds,
    fallback: 30_000,
  }),
  corsOrigins: valueOption({
    flag: 'cors-origin',
    env: 'CORS_ORIGIN',
    placeholder: 'ORIGIN,…',
    help: 'Origins of web pages that may call this server from browsers, separated by commas',
    parse: (raw) => words(raw).map(origin),
    fallback: [],
  }),
  trustProxy: valueOption({
    flag: 'trust-proxy',
    env: 'TRUST_PROXY',
    placeholder: 'COUNT|CIDR,…',
    help: 'Whose X-Forwarded headers are believed: the last COUNT proxies, or those in address ranges [0: no one]',
    parse: proxies,
    fallback: 0,
  }),
  drainDelay: valueOption({
    flag: 'drain-delay',
    env: 'DRAIN_DELAY',
    placeholder: 'SECONDS',
    help: 'At SIGTERM, how long to go on serving while /readyz already says no [0]',
    parse: secondsOrZero,
    fallback: 0,
  }),
  drainTimeout: valueOption({
    flag: 'drain-timeout',
    env: 'DRAIN_TIMEOUT',
    placeholder: 'SECONDS',
    help: 'At SIGTERM, how long requests under way may take to end [10]',
    parse: seconds,
    fallback: 10_000,
  }),
  metricsPort: valueOption({
    flag: 'metrics-port',
    env: 'METRICS_PORT',
    placeholder: 'PORT',
    help: 'A second port, for /metrics alone; 0 lets the system choose [none]',
    parse: (raw) => port(raw, { any: true }),
    fallback: undefined,
  }),
  metricsHost: valueOption({
    flag: 'metrics-host',
    env: 'METRICS_HOST',
    placeholder: 'ADDRESS',
    help: 'The address that the metrics port listens on [127.0.0.1]',
    parse: listenAddress,
    fallback: '127.0.0.1',
  }),
  redisUrl: valueOption({
    flag: 'redis-url',
    env: 'REDIS_URL',
    placeholder: 'URL',
    help: 'Redis or Valkey, where several nodes share limits, revocations and sessions [none: one node]',
    secret: true,
    parse: redisUrl,
    fallback: undefined,
  }),
  otlpEndpoint: valueOption({
    flag: 'otlp-endpoint',
    env: 'OTEL_EXPORTER_OTLP_ENDPOINT',
    placeholder: 'URL',
    help: 'An OpenTelemetry collector (OTLP over HTTP) that gets traces [none]',
    parse: (raw) => httpUrl(raw).href,
    fallback: undefined,
  }),
};

/** How the server runs. Times are milliseconds. */
export interface OperationConfig {
  /** Requests a minute; 0 is no limit. */
  readonly rateLimitUser: number;
  /** Requests a minute of all users of one client; 0 is no limit. */
  readonly rateLimitClient: number;
  readonly maxConnections: number;
  /** How long a legacy session outlasts its last use. */
  readonly sessionTimeout: number;
  /** Legacy sessions, over all nodes. */
  readonly maxSessions: number;
  /** For a request to arrive as a whole. */
  readonly requestTimeout: number;
  /** Web origins that may call from browsers. */
  readonly corsOrigins: readonly string[];
  /** The number of proxies in front, or their address ranges: the value of express' `trust proxy`. */
  readonly trustProxy: number | readonly string[];
  /** How long to serve on at the end, while not ready. */
  readonly drainDelay: number;
  /** How long requests under way may take at the end. */
  readonly drainTimeout: number;
  /** Undefined: no metrics are served. */
  readonly metricsPort: number | undefined;
  readonly metricsHost: string;
  /** May hold a password. Undefined: this node is alone. */
  readonly redisUrl: string | undefined;
  readonly otlpEndpoint: string | undefined;
}

export function operationOf(values: OptionValues<typeof operationOptions>): OperationConfig {
  const { rateLimitUser, rateLimitClient, maxConnections, requestTimeout, corsOrigins, trustProxy } = values;
  const {
    sessionTimeout,
    maxSessions,
    drainDelay,
    drainTimeout,
    metricsPort,
    metricsHost,
    redisUrl,
    otlpEndpoint,
  } = values;
  return {
    rateLimitUser,
    rateLimitClient,
    maxConnections,
    sessionTimeout,
    maxSessions,
    requestTimeout,
    corsOrigins,
    trustProxy,
    drainDelay,
    drainTimeout,
    metricsPort,
    metricsHost,
    redisUrl,
    otlpEndpoint,
  };
}

function wholeNumber(raw: string): number {
  if (!/^\d{1,9}$/u.test(raw)) throw new InvalidValue('it is a whole number, such as 600');
  return Number(raw);
}

function positiveNumber(raw: string): number {
  const value = wholeNumber(raw);
  if (value === 0) throw new InvalidValue('it is at least 1');
  return value;
}

function secondsOrZero(raw: string): number {
  return raw === '0' ? 0 : seconds(raw);
}

function words(raw: string): string[] {
  return raw
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
}

function origin(raw: string): string {
  const url = httpUrl(raw);
  if (url.pathname !== '/' || url.search !== '') {
    throw new InvalidValue('an origin has no path, such as https://app.example.com');
  }
  return url.origin;
}

/** Never a wildcard: whoever is believed can give himself any address. */
function proxies(raw: string): number | readonly string[] {
  if (/^\d{1,2}$/u.test(raw)) return Number(raw);
  const ranges = words(raw);
  if (ranges.length > 0 && ranges.every(isAddressRange)) return ranges;
  throw new InvalidValue(
    'it is the number of proxies in front, or their addresses, such as 10.0.0.0/8,192.168.1.4 or loopback',
  );
}

function isAddressRange(word: string): boolean {
  if (['loopback', 'linklocal', 'uniquelocal'].includes(word)) return true;
  const [address = '', bits, ...surplus] = word.split('/');
  const version = isIP(address);
  if (version === 0 || surplus.length > 0) return false;
  if (bits === undefined) return true;
  return /^\d{1,3}$/u.test(bits) && Number(bits) >= 1 && Number(bits) <= (version === 4 ? 32 : 128);
}

function redisUrl(raw: string): string {
  const isRedis = URL.canParse(raw) && ['redis:', 'rediss:'].includes(new URL(raw).protocol);
  if (!isRedis)
    throw new InvalidValue('it is a URL such as redis://:PASSWORD@host:6379/0, or rediss:// with TLS');
  return raw;
}
