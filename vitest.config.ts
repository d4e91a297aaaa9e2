import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const source = (name: string): string =>
  fileURLToPath(new URL(`./packages/${name}/src/index.ts`, import.meta.url));

const alias = {
  '@mcp-keyhole/fusionauth-emulator': source('fusionauth-emulator'),
  '@mcp-keyhole/server': source('server'),
};

/** End-to-end tests that need neither a fixed port nor a screen, and so can run beside others. */
const apart = [
  'configure',
  'deployment',
  'everything',
  'greeting',
  'harness',
  'orderly-end',
  'refresh',
  'setup-terminal',
  'wrong-input',
].map((name) => `e2e/${name}.test.ts`);

/** For suites that start our programs. */
const globalSetup = ['scripts/built.mjs'];

const endToEnd = {
  globalSetup,
  testTimeout: 60_000,
  hookTimeout: 120_000,
  // Real processes on fixed ports (3334 above all) cannot share a machine with one another.
  fileParallelism: false,
};

export default defineConfig({
  resolve: { alias },
  test: {
    // A busy machine is slow: what is waited for has come when it has, and time is measured in bench/.
    expect: { poll: { timeout: 15_000 } },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          isolate: false,
          testTimeout: 20_000,
          include: ['packages/*/test/*.test.ts', 'packages/*/test/unit/**/*.test.ts', 'scripts/**/*.test.ts'],
        },
      },
      {
        extends: true,
        test: {
          name: 'integration',
          globalSetup,
          isolate: false,
          include: ['packages/*/test/integration/**/*.test.ts'],
          testTimeout: 20_000,
          hookTimeout: 30_000,
        },
      },
      { extends: true, test: { ...endToEnd, name: 'e2e', include: ['e2e/*.test.ts'], exclude: apart } },
      { extends: true, test: { ...endToEnd, name: 'e2e-apart', include: apart } },
      { extends: true, test: { ...endToEnd, name: 'distribution', include: ['e2e/distribution/*.test.ts'] } },
      {
        extends: true,
        test: { ...endToEnd, name: 'stress', include: ['e2e/stress/*.test.ts'], testTimeout: 300_000 },
      },
    ],
  },
});
