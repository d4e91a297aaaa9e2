import { randomUUID } from 'node:crypto';
import { errors } from './errors.ts';
import { isObject } from './json.ts';

export type Variables = Readonly<Record<string, string>>;

/** What expressions are evaluated with, and where they stand. */
export interface Scope {
  readonly variables: Variables;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The place in the kickstart, for errors. */
  readonly where: string;
}

/**
 * Replaces `#{name}`, `#{ENV.NAME}` and `#{UUID()}` in every text of a JSON value, keys included.
 *
 * @throws EmulatorError `kickstart-expression`
 */
export function evaluate(value: unknown, scope: Scope): unknown {
  if (typeof value === 'string') {
    return value.replace(/#\{(?<expression>[^{}]*)\}/gu, (_match, expression: string) =>
      evaluateOne(expression.trim(), scope),
    );
  }
  if (Array.isArray(value)) {
    return value.map((item: unknown, index) =>
      evaluate(item, { ...scope, where: `${scope.where}[${index}]` }),
    );
  }
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      String(evaluate(key, scope)),
      evaluate(item, { ...scope, where: `${scope.where}.${key}` }),
    ]),
  );
}

function evaluateOne(expression: string, { variables, env, where }: Scope): string {
  if (expression === 'UUID()') return randomUUID();
  if (expression.startsWith('ENV.')) {
    const value = env[expression.slice('ENV.'.length)];
    if (value !== undefined) return value;
    throw errors.kickstartExpression(expression, where, 'but that environment variable is not set');
  }
  const value = Object.hasOwn(variables, expression) ? variables[expression] : undefined;
  if (value !== undefined) return value;
  throw errors.kickstartExpression(expression, where, 'but there is no such variable');
}
