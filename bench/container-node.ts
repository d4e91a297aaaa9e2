import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { program } from '../e2e/support/programs.ts';
import { root } from './peers.ts';

const folder = path.join(root, 'bench', 'container-node');
const installed = path.join(folder, 'node_modules', 'node', 'bin', 'node');

/** The Node.js of the server's container image, installed at first use, and again when another version is wanted. @returns its file */
export function containerNode(): string {
  const { dependencies } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as {
    dependencies: { node: string };
  };
  if (!existsSync(installed) || versionOf(installed) !== `v${dependencies.node}`) {
    console.error("… installing the container image's Node.js (npm ci in bench/container-node)");
    const args = ['ci', '--prefix', folder, '--no-audit', '--no-fund', '--loglevel=error'];
    execFileSync(program('npm'), args, { stdio: 'inherit' });
  }
  return installed;
}

/** @param node a file */
export function versionOf(node: string): string {
  return execFileSync(node, ['--version'], { encoding: 'utf8' }).trim();
}
