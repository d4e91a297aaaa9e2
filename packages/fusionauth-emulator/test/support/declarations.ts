import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const file = fileURLToPath(
  new URL('FusionAuthClient.d.ts', import.meta.resolve('@fusionauth/typescript-client/build/src/')),
);

/**
 * The type declarations of FusionAuth's TypeScript client, which it generates from its own API: the judge of what the emulator
 * answers. A member that a type does not declare, a value of another kind and an enum's unknown value are findings;
 * an absent member is none, since all are optional.
 */
export class Declarations {
  /** Names of the types compared, calls judged, and members of objects compared. */
  readonly types = new Set<string>();
  readonly calls = new Set<string>();
  fields = 0;
  readonly findings = new Set<string>();
  readonly #checker: ts.TypeChecker;
  readonly #exports: readonly ts.Symbol[];

  constructor() {
    const program = ts.createProgram([file], {
      lib: ['lib.es2022.d.ts'],
      types: [],
      module: ts.ModuleKind.NodeNext,
      skipLibCheck: true,
      // So that an optional member's type is not a union with undefined.
      strict: false,
    });
    const source = program.getSourceFile(file);
    this.#checker = program.getTypeChecker();
    const symbol = source === undefined ? undefined : this.#checker.getSymbolAtLocation(source);
    if (symbol === undefined) throw new Error(`${file} declares nothing.`);
    this.#exports = this.#checker.getExportsOfModule(symbol);
  }

  /** A client whose every answer is judged by the type that the call declares, and every refusal with a body by `refusal`. */
  judging<Client extends object>(client: Client, refusal = 'Errors'): Client {
    return new Proxy(client, {
      get: (target, name, receiver) => {
        const member: unknown = Reflect.get(target, name, receiver);
        if (typeof member !== 'function' || !this.#isCall(String(name))) return member;
        return async (...parameters: unknown[]): Promise<unknown> => {
          try {
            const answer = (await Reflect.apply(member, target, parameters)) as { response: unknown };
            this.judgeCall(String(name), answer.response);
            return answer;
          } catch (error) {
            const { exception } = error as { exception?: unknown };
            if (isRecord(exception) && !(exception instanceof Error)) this.judge(refusal, exception);
            throw error;
          }
        };
      },
    });
  }

  /** Compares the body of a call's answer with the type of its `ClientResponse`. */
  judgeCall(call: string, body: unknown): void {
    this.calls.add(call);
    const client = this.#checker.getDeclaredTypeOfSymbol(this.#named('FusionAuthClient'));
    const method = this.#checker.getTypeOfSymbol(this.#property(client, call));
    const promise = method.getCallSignatures()[0]?.getReturnType() as ts.TypeReference;
    const [response] = this.#checker.getTypeArguments(promise);
    if (response === undefined) throw new Error(`${call} declares no answer.`);
    this.#compare(this.#checker.getTypeOfSymbol(this.#property(response, 'response')), body, call);
  }

  /** Compares a value with the type of this name. */
  judge(name: string, value: unknown): void {
    this.#compare(this.#checker.getDeclaredTypeOfSymbol(this.#named(name)), value, name);
  }

  #isCall(name: string): boolean {
    const client = this.#checker.getDeclaredTypeOfSymbol(this.#named('FusionAuthClient'));
    const symbol = client.getProperty(name);
    if (symbol === undefined) return false;
    const [signature] = this.#checker.getTypeOfSymbol(symbol).getCallSignatures();
    return signature?.getReturnType().symbol.name === 'Promise';
  }

  #compare(type: ts.Type, value: unknown, place: string): void {
    const { flags } = type;
    if ((flags & (ts.TypeFlags.Any | ts.TypeFlags.Unknown)) !== 0) return;
    if ((flags & ts.TypeFlags.Void) !== 0) this.#expect(value === undefined, place, 'nothing', value);
    else if ((flags & ts.TypeFlags.Boolean) !== 0) this.#kind('boolean', value, place);
    else if ((flags & ts.TypeFlags.String) !== 0) this.#kind('string', value, place);
    else if ((flags & ts.TypeFlags.Number) !== 0) this.#kind('number', value, place);
    else if (type.isUnion() || type.isLiteral()) {
      const literals = (type.isUnion() ? type.types : [type]).map((one) =>
        one.isLiteral() ? one.value : one,
      );
      this.#expect(literals.includes(value as string), place, this.#checker.typeToString(type), value);
    } else if (this.#checker.isArrayType(type)) {
      const [element] = this.#checker.getTypeArguments(type as ts.TypeReference);
      this.#expect(Array.isArray(value), place, 'array', value);
      if (!Array.isArray(value) || element === undefined) return;
      for (const item of value) this.#compare(element, item, `${place}[]`);
    } else this.#compareObject(type, value, place);
  }

  #compareObject(type: ts.Type, value: unknown, place: string): void {
    const name = this.#checker.typeToString(type);
    this.types.add(name);
    this.#expect(isRecord(value), place, name, value);
    if (!isRecord(value)) return;
    for (const [key, member] of Object.entries(value)) {
      this.fields += 1;
      const symbol = type.getProperty(key);
      const declared =
        symbol === undefined ? type.getStringIndexType() : this.#checker.getTypeOfSymbol(symbol);
      if (declared === undefined) this.findings.add(`${place}.${key}: ${name} declares no such member`);
      else this.#compare(declared, member, `${place}.${key}`);
    }
  }

  #kind(kind: 'boolean' | 'string' | 'number', value: unknown, place: string): void {
    this.#expect(typeof value === kind, place, kind, value);
  }

  #expect(holds: boolean, place: string, declared: string, value: unknown): void {
    if (!holds) this.findings.add(`${place}: ${JSON.stringify(value)} is not ${declared}`);
  }

  #named(name: string): ts.Symbol {
    const found = this.#exports.find((symbol) => symbol.name === name);
    if (found === undefined) throw new Error(`FusionAuth's client declares no ${name}.`);
    return found;
  }

  #property(type: ts.Type, name: string): ts.Symbol {
    const found = type.getProperty(name);
    if (found === undefined) throw new Error(`${this.#checker.typeToString(type)} has no ${name}.`);
    return found;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
