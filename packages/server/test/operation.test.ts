import { describe, expect, it } from 'vitest';
import { loadConfig, resourceOf } from '../src/config.ts';
import { resourceMetadataUrl } from '../src/protected-resource-metadata.ts';

describe('the options about running the server', () => {
  it('are generous by default, believe no proxy and open no second port', () => {
    expect(loadConfig([], {})).toMatchObject({
      rateLimitUser: 600,
      rateLimitClient: 30_000,
      maxConnections: 10_000,
      requestTimeout: 30_000,
      corsOrigins: [],
      trustProxy: 0,
      drainDelay: 0,
      drainTimeout: 10_000,
      metricsPort: undefined,
      metricsHost: '127.0.0.1',
      redisUrl: undefined,
      otlpEndpoint: undefined,
    });
  });

  it('are read from the environment', () => {
    const config = loadConfig([], {
      RATE_LIMIT_USER: '0',
      RATE_LIMIT_CLIENT: '100',
      REQUEST_TIMEOUT: '2.5',
      CORS_ORIGIN: 'https://app.example.com, http://localhost:6274/',
      TRUST_PROXY: '10.0.0.0/8,loopback,fd00::/8',
      DRAIN_DELAY: '5',
      METRICS_PORT: '9464',
      METRICS_HOST: '[::1]',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://localhost:4318',
    });
    expect(config).toMatchObject({
      rateLimitUser: 0,
      rateLimitClient: 100,
      requestTimeout: 2_500,
      corsOrigins: ['https://app.example.com', 'http://localhost:6274'],
      trustProxy: ['10.0.0.0/8', 'loopback', 'fd00::/8'],
      drainDelay: 5_000,
      metricsPort: 9_464,
      metricsHost: '::1',
      otlpEndpoint: 'http://localhost:4318/',
    });
    expect(loadConfig([], { TRUST_PROXY: '2', DRAIN_DELAY: '0' })).toMatchObject({
      trustProxy: 2,
      drainDelay: 0,
    });
  });

  it.each([
    ['RATE_LIMIT_USER', '-1'],
    ['RATE_LIMIT_CLIENT', 'many'],
    ['MAX_CONNECTIONS', '0'],
    ['REQUEST_TIMEOUT', '0'],
    ['CORS_ORIGIN', '*'],
    ['CORS_ORIGIN', 'https://app.example.com/page'],
    ['TRUST_PROXY', 'true'],
    ['TRUST_PROXY', '*'],
    ['TRUST_PROXY', '10.0.0.0/33'],
    ['TRUST_PROXY', '0.0.0.0/0'],
    ['TRUST_PROXY', ','],
    ['DRAIN_DELAY', 'soon'],
    ['DRAIN_TIMEOUT', '0'],
    ['METRICS_PORT', '70000'],
    ['REDIS_URL', 'http://localhost:6379'],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'localhost:4318'],
  ])('refuse %s=%s and name the variable', (name, value) => {
    expect(() => loadConfig([], { [name]: value })).toThrow(name);
  });

  it('never show a Redis URL, which may hold a password, in an error', () => {
    expect(() => loadConfig([], { REDIS_URL: 'redi://:hunter2@localhost' })).toThrow(/^(?!.*hunter2)/u);
  });
});

describe('a public URL with a path', () => {
  it('is part of the resource, and stands at the end of the metadata URL (RFC 9728, section 3.1)', () => {
    const config = loadConfig([], { MCP_SERVER_URL: 'https://example.com/tools/greeter/' });
    expect(resourceOf(config)).toBe('https://example.com/tools/greeter/mcp');
    expect(resourceMetadataUrl(resourceOf(config))).toBe(
      'https://example.com/.well-known/oauth-protected-resource/tools/greeter/mcp',
    );
  });

  it.each(['https://example.com/tools/mcp', 'https://example.com/tools?x=1'])(
    'is refused when it is %s, with the right one named',
    (MCP_SERVER_URL) => {
      expect(() => loadConfig([], { MCP_SERVER_URL })).toThrow(
        expect.objectContaining({
          code: 'server-url-with-path',
          remedy: 'Set MCP_SERVER_URL to https://example.com/tools.',
        }) as Error,
      );
    },
  );
});
