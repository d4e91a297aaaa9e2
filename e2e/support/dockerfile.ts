import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { repository } from './programs.ts';

/** One stage of a Dockerfile, as it stands after its instructions. */
export interface Stage {
  /** The image or the stage that it started from. */
  readonly base: string;
  /** The folder that stands for the image's `/`. */
  readonly root: string;
  workdir: string;
  readonly env: Record<string, string>;
  user: string | undefined;
  command: string[];
  healthCheck: string[];
}

/**
 * Walks the steps of a Dockerfile without a Docker engine: COPY copies from the working tree as git would check it out and
 * `.dockerignore` lets through, RUN runs here. The images themselves are not looked at. What it does not know it refuses.
 */
export class DockerfileWalk {
  readonly #folder = mkdtempSync(join(tmpdir(), 'keyhole-image-'));
  readonly #stages = new Map<string, Stage>();
  #stage: Stage | undefined;

  /** @returns the last stage */
  walk(dockerfile: string): Stage {
    const text = readFileSync(join(repository, dockerfile), 'utf8');
    const lines = text.replace(/^\s*#.*\n/gmu, '').replace(/\\\n\s*/gu, '');
    for (const line of lines.split('\n').filter((candidate) => candidate.trim() !== '')) {
      const [, instruction = '', rest = ''] = /^(\S+)\s+(.*)$/u.exec(line) ?? [];
      this.#step(instruction, rest);
    }
    return this.#current;
  }

  /** Removes all that the walk has made. */
  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  get #current(): Stage {
    if (this.#stage === undefined) throw new Error('The Dockerfile does not begin with FROM.');
    return this.#stage;
  }

  #step(instruction: string, rest: string): void {
    switch (instruction) {
      case 'FROM':
        this.#from(rest);
        break;
      case 'WORKDIR':
        this.#current.workdir = rest;
        mkdirSync(this.#path(rest), { recursive: true });
        break;
      case 'ENV':
        for (const [, name = '', value = ''] of rest.matchAll(/(\w+)=(\S+)/gu))
          this.#current.env[name] = value;
        break;
      case 'COPY':
        this.#copy(rest.split(/\s+/u));
        break;
      case 'RUN':
        this.#run(rest);
        break;
      case 'USER':
        this.#current.user = rest;
        break;
      case 'EXPOSE':
        break;
      case 'HEALTHCHECK':
        this.#current.healthCheck = JSON.parse(rest.replace(/^.*?CMD\s+/u, '')) as string[];
        break;
      case 'CMD':
        this.#current.command = JSON.parse(rest) as string[];
        break;
      default:
        throw new Error(`This test does not know the instruction ${instruction}.`);
    }
  }

  #from(rest: string): void {
    const [base = '', , name = 'final'] = rest.split(/\s+/u);
    const root = join(this.#folder, name);
    const from = this.#stages.get(base);
    mkdirSync(root);
    if (from !== undefined) cpSync(from.root, root, { recursive: true, verbatimSymlinks: true });
    this.#stage = {
      base,
      root,
      workdir: from?.workdir ?? '/',
      env: { ...from?.env },
      user: from?.user,
      command: [],
      healthCheck: [],
    };
    this.#stages.set(name, this.#stage);
  }

  #copy(words: string[]): void {
    const fromStage =
      words[0]?.startsWith('--from=') === true ? words.shift()?.slice('--from='.length) : undefined;
    const target = words.pop() ?? '';
    const intoFolder = target.endsWith('/') || words.length > 1;
    for (const source of words) {
      const destination = this.#path(intoFolder ? join(target, basename(source)) : target);
      if (fromStage === undefined) this.#copyFromContext(source, destination);
      else {
        const stage = this.#stages.get(fromStage);
        if (stage === undefined) throw new Error(`There is no stage ${fromStage}.`);
        cpSync(join(stage.root, source), destination, { recursive: true, verbatimSymlinks: true });
      }
    }
  }

  #copyFromContext(source: string, destination: string): void {
    const files = context().filter((file) => file === source || file.startsWith(`${source}/`));
    if (files.length === 0) throw new Error(`COPY ${source}: the build context has no such file.`);
    for (const file of files) {
      const copy = `${destination}${file.slice(source.length)}`;
      mkdirSync(dirname(copy), { recursive: true });
      cpSync(join(repository, file), copy);
    }
  }

  #run(script: string): void {
    const { PATH = '', HOME = '' } = process.env;
    execFileSync('sh', ['-c', script], {
      cwd: this.#path('.'),
      env: { PATH, HOME, ...this.#current.env },
      stdio: 'pipe',
    });
  }

  #path(path: string): string {
    const { root, workdir } = this.#current;
    return join(root, path.startsWith('/') ? path : join(workdir, path));
  }
}

/** The build context: what git has or would add, less what `.dockerignore` leaves out. */
export function context(): string[] {
  const rules = readFileSync(join(repository, '.dockerignore'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  const listing = ['ls-files', '--cached', '--others', '--exclude-standard'];
  return execFileSync('git', listing, { cwd: repository, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
    .split('\n')
    .filter((file) => file !== '' && existsSync(join(repository, file)))
    .filter((file) => !isIgnored(file, rules));
}

/** The last rule that matches the file or a folder above it decides, as Docker has it. */
function isIgnored(file: string, rules: readonly string[]): boolean {
  const paths = file.split('/').map((_, index, parts) => parts.slice(0, index + 1).join('/'));
  const last = rules.findLast((rule) => paths.some((path) => matches(path, rule.replace(/^!/u, ''))));
  return last !== undefined && !last.startsWith('!');
}

/** The three forms of pattern that our `.dockerignore` has: all of the top folder, a name at any depth, a path. */
function matches(path: string, pattern: string): boolean {
  if (pattern === '*') return !path.includes('/');
  const name = pattern.replace(/^\*\*\//u, '');
  if (/[*?[\\]/u.test(name)) throw new Error(`This test does not know the .dockerignore pattern ${pattern}.`);
  return path === pattern || (name !== pattern && basename(path) === name);
}
