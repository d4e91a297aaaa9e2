// `node parent.mjs …` runs `node …` on its own stdin, stdout and stderr: a parent that can vanish while those stay open.
import { spawn } from 'node:child_process';
import process from 'node:process';

const child = spawn(process.execPath, process.argv.slice(2), { stdio: 'inherit' });
child.on('exit', (code) => process.exit(code ?? 1));
