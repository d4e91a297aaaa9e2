import js from '@eslint/js';
import { createTypeScriptImportResolver } from 'eslint-import-resolver-typescript';
import importX from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';

const proxySource = './packages/proxy/src';

/** The seams of ARCHITECTURE.md, as paths that may not be imported from a place. */
const seams = [
  {
    target: `${proxySource}/token-store`,
    from: `${proxySource}/authorization`,
    message: 'The token store knows nothing of how tokens are obtained.',
  },
  {
    target: `${proxySource}/bridge`,
    from: [`${proxySource}/authorization`, `${proxySource}/token-store`],
    message: 'The bridge sees an AuthProvider, nothing behind it.',
  },
  // Steps never import one another: only the straight line in authorize.ts, and commands, put them together.
  ...[
    'discovery',
    'client-registration',
    'authorization-request',
    'browser',
    'callback-server',
    'token-request',
    'assertion-grant',
    'client-authentication',
    'client-key',
    'identity-assertion',
  ].map((step) => ({
    target: `${proxySource}/authorization/${step}.ts`,
    from: `${proxySource}/authorization`,
    except: [
      './callback-page.ts',
      './types.ts',
      './bounded-fetch.ts',
      './endpoint-policy.ts',
      // What several steps share that are token requests.
      './token-response.ts',
      ...(step === 'client-authentication' ? ['./client-key.ts'] : []),
      `./${step}.ts`,
    ],
    message:
      'A step of the authorization road does not import another step; authorize.ts puts them in order.',
  })),
  ...['proxy', 'server', 'setup', 'fusionauth-emulator'].map((name) => ({
    target: `./packages/${name}/src`,
    from: './packages',
    except: [`./${name}`, './cli-kit'],
    message: 'A package imports only cli-kit.',
  })),
];

export default tseslint.config(
  { ignores: ['**/dist/', '**/node_modules/', '**/.turbo/', 'coverage/', 'e2e/artifacts/'] },
  js.configs.recommended,
  importX.flatConfigs.recommended,
  {
    settings: {
      'import-x/resolver-next': [
        createTypeScriptImportResolver({
          project: ['tsconfig.json', 'e2e/tsconfig.json'],
          noWarnOnMultipleProjects: true,
        }),
      ],
    },
    rules: {
      'import-x/no-cycle': ['error', { ignoreExternal: true }],
      'import-x/no-duplicates': 'error',
      'import-x/no-named-as-default': 'off',
      'import-x/no-named-as-default-member': 'off',
      'import-x/no-restricted-paths': ['error', { zones: seams }],
      eqeqeq: 'error',
      'no-console': 'error',
    },
  },
  {
    files: ['**/*.ts'],
    extends: [
      tseslint.configs.strictTypeChecked,
      tseslint.configs.stylisticTypeChecked,
      importX.flatConfigs.typescript,
    ],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      // The compiler resolves imports, and knows patterns in a package's exports that the resolver here does not.
      'import-x/no-unresolved': 'off',
      // The compiler knows these too, and need not read each module once more for them.
      'import-x/default': 'off',
      'import-x/export': 'off',
      'import-x/namespace': 'off',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
    },
  },
  {
    files: ['packages/*/src/**/*.ts'],
    ignores: ['packages/*/src/main.ts'],
    rules: {
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'exit', message: 'Only main.ts ends the process.' },
      ],
    },
  },
  {
    files: ['**/*.{js,mjs}'],
    extends: [tseslint.configs.disableTypeChecked],
    languageOptions: {
      globals: { process: 'readonly', console: 'readonly', URL: 'readonly', Buffer: 'readonly' },
    },
  },
  { files: ['scripts/**', 'bench/**'], rules: { 'no-console': 'off' } },
);
