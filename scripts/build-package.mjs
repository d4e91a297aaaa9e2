// Builds the package in the current folder into dist/: every entry of src/ (main.ts, index.ts) as an ES module, and the types
// of index.ts in one file. What the package lists as dependencies stays outside; whatever else it imports (cli-kit, and
// libraries among its devDependencies) is bundled, with the licenses of those libraries beside it.
import {
  chmodSync,
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { build } from 'esbuild';
import { rollup } from 'rollup';
import { dts } from 'rollup-plugin-dts';
import { joinChunks } from './program-chunks.mjs';

const manifest = JSON.parse(await readFile('package.json', 'utf8'));
const external = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });
const isProgram = !existsSync('src/index.ts');
const entries = ['src/main.ts', 'src/index.ts'].filter((entry) => existsSync(entry));

/** What bundled CommonJS libraries find around them in Node; left out of a program's chunk that has none. */
const commonJs = [
  "import { createRequire } from 'node:module';",
  'const require = /* @__PURE__ */ createRequire(import.meta.url), __filename = import.meta.filename;',
].join(' ');

rmSync('dist', { recursive: true, force: true });
/** @type {import('esbuild').BuildOptions} */
const options = {
  entryPoints: entries,
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.18',
  // A program starts faster; whoever uses a library wants to read it.
  minify: isProgram,
  metafile: true,
  chunkNames: 'chunks/[name]-[hash]',
  external: external.flatMap((name) => [name, `${name}/*`]),
  define: { 'process.env.KEYHOLE_VERSION': JSON.stringify(manifest.version) },
  // What it offers to CommonJS finds its own files by a `require` that no bundler can follow.
  alias: { 'jsonc-parser': 'jsonc-parser/lib/esm/main.js' },
  banner: { js: commonJs },
  logLevel: 'warning',
};
const { metafile } = await build(options);
if (isProgram) await joinChunks('dist', external);
// What runs before `main.js` is loaded has a file of its own.
if (existsSync('src/compile-cache.ts')) {
  await build({ ...options, entryPoints: ['src/compile-cache.ts'], splitting: false, banner: {} });
}
bundleExtras(bundledLibraries(metafile));

if (!isProgram) {
  const bundle = await rollup({
    input: 'src/index.ts',
    external: (id) =>
      external.some((name) => id === name || id.startsWith(`${name}/`)) || id.startsWith('node:'),
    // cli-kit is bundled here as well: it is not published, so nobody could resolve an import of it.
    plugins: [
      dts({
        tsconfig: '../../tsconfig.base.json',
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

/** The folders of the libraries that are in the bundle. */
function bundledLibraries({ inputs }) {
  const folders = new Set();
  for (const input of Object.keys(inputs)) {
    const [folder] = /^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/u.exec(input) ?? [];
    if (folder !== undefined) folders.add(path.resolve(folder));
  }
  return [...folders].sort();
}

/** What bundled libraries bring besides their code: their licenses, and the programs that they start. */
function bundleExtras(folders) {
  if (folders.length === 0) return;
  const notices = folders.map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
    const file = readdirSync(folder).find((entry) => /^licen[cs]e(?:\.\w+)?$/iu.test(entry));
    const text =
      file === undefined ? `License: ${license}` : readFileSync(path.join(folder, file), 'utf8').trim();
    return `${name} ${version}\n\n${text}\n`;
  });
  writeFileSync('dist/THIRD-PARTY-LICENSES.txt', notices.join(`\n${'-'.repeat(80)}\n\n`));
  const opener = folders.map((folder) => path.join(folder, 'xdg-open')).find((file) => existsSync(file));
  if (opener === undefined) return;
  copyFileSync(opener, 'dist/chunks/xdg-open');
  chmodSync('dist/chunks/xdg-open', 0o755);
}
