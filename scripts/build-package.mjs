// Builds the package in the current folder into dist/: every entry of src/ (main.ts, index.ts) as an ES module, with
// cli-kit bundled in and every other dependency left outside, and the types of index.ts in one file.
import { existsSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { build } from 'esbuild';
import { rollup } from 'rollup';
import { dts } from 'rollup-plugin-dts';

const manifest = JSON.parse(await readFile('package.json', 'utf8'));
const external = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });
const entries = ['src/main.ts', 'src/index.ts'].filter((entry) => existsSync(entry));

rmSync('dist', { recursive: true, force: true });
await build({
  entryPoints: entries,
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.18',
  chunkNames: 'chunks/[name]-[hash]',
  external: external.flatMap((name) => [name, `${name}/*`]),
  define: { 'process.env.KEYHOLE_VERSION': JSON.stringify(manifest.version) },
  logLevel: 'warning',
});

if (existsSync('src/index.ts')) {
  const bundle = await rollup({
    input: 'src/index.ts',
    external: (id) =>
      external.some((name) => id === name || id.startsWith(`${name}/`)) || id.startsWith('node:'),
    // cli-kit is bundled here as well: it is not published, so nobody could resolve an import of it.
    plugins: [
      dts({
        tsconfig: 'tsconfig.json',
        compilerOptions: { noEmit: false },
        includeExternal: ['@mcp-keyhole/cli-kit'],
      }),
    ],
    onwarn(warning) {
      throw new Error(`${manifest.name}: ${warning.message}`);
    },
  });
  await bundle.write({ file: 'dist/index.d.ts', format: 'es' });
  await bundle.close();
}
