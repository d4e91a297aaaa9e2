import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Deployment } from 'kubernetes-models/apps/v1/Deployment';
import { HorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v2/HorizontalPodAutoscaler';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget';
import { Service } from 'kubernetes-models/v1/Service';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { loadConfig, optionTable } from '../../src/config.ts';

const folder = fileURLToPath(new URL('../../../../deploy/kubernetes/', import.meta.url));
const read = (file: string): string => readFileSync(`${folder}${file}`, 'utf8');

const kinds = {
  'deployment.yaml': { make: (data: never) => new Deployment(data), from: 'apps/v1', type: 'IDeployment' },
  'service.yaml': { make: (data: never) => new Service(data), from: 'v1', type: 'IService' },
  'horizontal-pod-autoscaler.yaml': {
    make: (data: never) => new HorizontalPodAutoscaler(data),
    from: 'autoscaling/v2',
    type: 'IHorizontalPodAutoscaler',
  },
  'pod-disruption-budget.yaml': {
    make: (data: never) => new PodDisruptionBudget(data),
    from: 'policy/v1',
    type: 'IPodDisruptionBudget',
  },
};

/** What Kubernetes' schemas say about a manifest: its required members, types and forms. */
function violations(file: keyof typeof kinds, text: string): string {
  try {
    kinds[file].make(parse(text) as never).validate();
    return '';
  } catch (error) {
    return String(error);
  }
}

/** The members of manifests that Kubernetes does not know, which its schemas let pass; its types do not. */
function unknownMembers(manifests: Readonly<Record<string, string>>): string[] {
  const name = fileURLToPath(new URL('../manifests.ts', import.meta.url));
  const source = Object.entries(manifests).map(([file, text], index) => {
    const { from, type } = kinds[file as keyof typeof kinds];
    return (
      `import type { ${type} } from 'kubernetes-models/${from}/${type.slice(1)}';\n` +
      `export const manifest${index}: ${type} = ${JSON.stringify(parse(text))};\n`
    );
  });
  const options = {
    strict: true,
    skipLibCheck: true,
    module: ts.ModuleKind.NodeNext,
    target: ts.ScriptTarget.ES2023,
    types: [],
  };
  const host = ts.createCompilerHost(options);
  const getSourceFile = host.getSourceFile.bind(host);
  host.getSourceFile = (path, ...rest) =>
    path === name
      ? ts.createSourceFile(path, source.join(''), ts.ScriptTarget.ES2023)
      : getSourceFile(path, ...rest);
  const fileExists = host.fileExists.bind(host);
  host.fileExists = (path) => path === name || fileExists(path);
  const program = ts.createProgram([name], options, host);
  return ts
    .getPreEmitDiagnostics(program, program.getSourceFile(name))
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
}

interface Manifest {
  readonly spec: {
    readonly selector: { readonly matchLabels: Record<string, string> };
    readonly template: {
      readonly metadata: { readonly labels: Record<string, string> };
      readonly spec: {
        readonly terminationGracePeriodSeconds: number;
        readonly containers: readonly [{ readonly env: readonly { name: string; value?: string }[] }];
      };
    };
  };
}

describe('the Kubernetes manifests', () => {
  it('are those that are checked here', () => {
    expect(readdirSync(folder).sort()).toEqual(Object.keys(kinds).sort());
  });

  it.each(Object.keys(kinds) as (keyof typeof kinds)[])('keep to the schema: %s', (file) => {
    expect(violations(file, read(file))).toBe('');
    expect(violations(file, read(file).replace(/^ {2}name: .*$/mu, '  name: [a, list]'))).not.toBe('');
  });

  it('have no member that Kubernetes does not know', () => {
    const manifests = Object.fromEntries(Object.keys(kinds).map((file) => [file, read(file)]));
    expect(unknownMembers(manifests)).toEqual([]);
    const deployment = read('deployment.yaml').replace('readOnlyRootFilesystem', 'readOnlyRootFileSystem');
    expect(unknownMembers({ ...manifests, 'deployment.yaml': deployment })).toHaveLength(1);
  }, 60_000);

  it('select the pods of the deployment', () => {
    const { selector, template } = (parse(read('deployment.yaml')) as Manifest).spec;
    const service = parse(read('service.yaml')) as { spec: { selector: unknown } };
    const budget = parse(read('pod-disruption-budget.yaml')) as { spec: { selector: unknown } };
    expect(template.metadata.labels).toEqual(selector.matchLabels);
    expect(service.spec.selector).toEqual(selector.matchLabels);
    expect(budget.spec.selector).toEqual(selector);
  });

  it('give the server settings that it knows, and the time to end', () => {
    const { terminationGracePeriodSeconds, containers } = (parse(read('deployment.yaml')) as Manifest).spec
      .template.spec;
    const env = Object.fromEntries(
      containers[0].env.map(({ name, value = 'redis://valkey' }) => [name, value]),
    );
    const known = Object.values(optionTable).map((option) => option.env);
    for (const name of Object.keys(env)) expect(known).toContain(name);
    const { drainDelay, drainTimeout } = loadConfig([], env);
    expect(drainDelay + drainTimeout).toBeLessThan(terminationGracePeriodSeconds * 1_000);
  });
});
