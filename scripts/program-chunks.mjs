// A program starts faster the fewer files Node has to find and open. esbuild makes a chunk of each set of modules that several
// entries share; rollup, which knows that a chunk loaded later always finds `main.js` there, joins what `main.js` needs into it.
import { rmSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import path from 'node:path';
import { rollup } from 'rollup';

/**
 * Joins the chunks of a built program, in place.
 *
 * @param folder holds `main.js`, which must not await anything at its top: the chunks that import it would wait for it
 * @param external names of packages that stay outside
 */
export async function joinChunks(folder, external) {
  const bundle = await rollup({
    input: path.join(folder, 'main.js'),
    external: (id) => external.some((name) => id === name || id.startsWith(`${name}/`)),
    plugins: [builtIns],
    onwarn(warning) {
      // Libraries have cycles of their own.
      if (warning.code !== 'CIRCULAR_DEPENDENCY') throw new Error(warning.message);
    },
  });
  rmSync(folder, { recursive: true });
  await bundle.write({
    dir: folder,
    format: 'es',
    compact: true,
    entryFileNames: '[name].js',
    chunkFileNames: 'chunks/[name].js',
    hoistTransitiveImports: false,
  });
  await bundle.close();
}

/**
 * Node's own modules are asked for with `process.getBuiltinModule`: an import of one makes all its exports, those included
 * that Node loads lazily (`crypto.webcrypto`).
 */
const builtIns = {
  name: 'built-ins',
  // Older libraries say `crypto` for `node:crypto`.
  resolveId: (id) => (isBuiltin(id) ? `\0node:${id.replace('node:', '')}` : undefined),
  load: (id) =>
    id.startsWith('\0node:')
      ? {
          code: `export default /* @__PURE__ */ process.getBuiltinModule(${JSON.stringify(id.slice(1))});`,
          syntheticNamedExports: true,
          moduleSideEffects: false,
        }
      : undefined,
};
