import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../src/bridge/message.ts';
import { headerValue, paramHeaders, scanHeaders, ToolCatalogue } from '../src/bridge/tool-headers.ts';

const annotated = (name: unknown, type: unknown = 'string'): JsonObject => ({ type, 'x-mcp-header': name });
const schema = (properties: JsonObject, more: JsonObject = {}): JsonObject => ({
  type: 'object',
  properties,
  ...more,
});

describe('the header annotations of a tool', () => {
  it('are found on strings, integers and booleans, at any depth of properties', () => {
    const inner = schema({ tenant: annotated('Tenant'), note: { type: 'string' } });
    const scan = scanHeaders(
      schema({ a: annotated('A-1'), b: annotated('b', 'integer'), c: annotated('C', 'boolean'), inner }),
    );
    if (!scan.isValid) throw new Error(scan.reason);
    const found = Object.fromEntries(scan.declarations.map(({ name, path }) => [name, path]));
    expect(found).toEqual({ 'A-1': ['a'], b: ['b'], C: ['c'], Tenant: ['inner', 'tenant'] });
  });

  it.each([
    ['no schema', undefined],
    ['a schema that is no object', true],
    ['an argument that is called like the annotation', schema({ 'x-mcp-header': { type: 'object' } })],
    [
      'one among the values',
      schema({ a: { type: 'object', default: annotated('A'), enum: [annotated('A')] } }),
    ],
    ['one in a keyword that holds no schema', schema({ a: { 'x-note': annotated('A') } })],
  ])('are not there: %s', (_case, inputSchema) => {
    expect(scanHeaders(inputSchema)).toEqual({ isValid: true, declarations: [] });
  });

  it.each([
    ['empty', schema({ a: annotated('') })],
    ['no string', schema({ a: annotated(7) })],
    ['null', schema({ a: annotated(null) })],
    ['a space', schema({ a: annotated('My Region') })],
    ['a colon', schema({ a: annotated('Region:Primary') })],
    ['a letter beyond ASCII', schema({ a: annotated('Région') })],
    ['a control character', schema({ a: annotated('Region\t1') })],
    ['a line break at its end', schema({ a: annotated('Region\n') })],
  ])('are invalid by their name: %s', (_case, inputSchema) => {
    expect(scanHeaders(inputSchema)).toEqual({
      isValid: false,
      reason: 'a: x-mcp-header is no name of a header',
    });
  });

  it.each(['number', 'object', 'array', 'null', undefined, ['string', 'null']])(
    'are invalid on the type %s',
    (type) => {
      expect(scanHeaders(schema({ a: { type, 'x-mcp-header': 'A' } }))).toEqual({
        isValid: false,
        reason: 'a: x-mcp-header is for strings, integers and booleans',
      });
    },
  );

  it.each([
    ['Region', 'Region'],
    ['MyField', 'myfield'],
  ])('are invalid when two have one name: %s and %s', (one, other) => {
    const scan = scanHeaders(schema({ a: annotated(one), b: annotated(other) }));
    expect(scan).toMatchObject({
      isValid: false,
      reason: expect.stringContaining('has the name that') as string,
    });
  });

  it.each([
    ['the schema itself', annotated('A', 'string')],
    ['items', schema({ a: { type: 'array', items: annotated('A') } })],
    ['several items', schema({ a: { type: 'array', items: [{}, annotated('A')] } })],
    ['additionalProperties', schema({}, { additionalProperties: annotated('A') })],
    ['oneOf', schema({}, { oneOf: [schema({ a: annotated('A') })] })],
    ['not', schema({ a: { not: annotated('A') } })],
    ['then', schema({}, { if: {}, then: schema({ a: annotated('A') }) })],
    ['$defs', schema({ a: { $ref: '#/$defs/a' } }, { $defs: { a: annotated('A') } })],
    ['patternProperties', schema({}, { patternProperties: { '^a': annotated('A') } })],
    ['properties below items', schema({ a: { items: schema({ b: annotated('A') }) } })],
  ])('are invalid elsewhere than on arguments: %s', (_case, inputSchema) => {
    expect(scanHeaders(inputSchema)).toMatchObject({
      isValid: false,
      reason: expect.stringContaining('stands where "properties" alone does not lead') as string,
    });
  });

  it('are looked for however deep a schema goes', () => {
    let deep: JsonObject = annotated('Deep');
    for (let depth = 0; depth < 50_000; depth += 1) deep = schema({ a: deep });
    const scan = scanHeaders(deep);
    expect(scan.isValid && scan.declarations[0]?.path).toHaveLength(50_000);
  });
});

describe('the headers of a call', () => {
  const declarations = [
    { name: 'A', path: ['a'] },
    { name: 'B', path: ['inner', 'b'] },
  ];

  it.each([
    ['x', 'x'],
    ['', ''],
    [42, '42'],
    [-7, '-7'],
    [1.5, '1.5'],
    [true, 'true'],
    [false, 'false'],
    [Number.MAX_SAFE_INTEGER, '9007199254740991'],
  ])('tell %j', (value, header) => {
    expect(paramHeaders(declarations, { a: value, inner: { b: value } })).toEqual({
      'Mcp-Param-A': header,
      'Mcp-Param-B': header,
    });
  });

  it.each([
    ['no arguments', undefined],
    ['nothing', {}],
    ['null', { a: null, inner: null }],
    ['an object', { a: {}, inner: { b: [] } }],
    ['numbers that JavaScript does not hold exactly', { a: 2 ** 53, inner: { b: 1e300 } }],
    ['something in the place of an object', { inner: 'b' }],
  ])('do not tell %s', (_case, args) => {
    expect(paramHeaders(declarations, args)).toEqual({});
  });

  it('do not tell what every object inherits', () => {
    const paths = [
      ['constructor', 'name'],
      ['toString'],
      ['__proto__', 'constructor', 'name'],
      ['a', 'length'],
    ];
    expect(
      paramHeaders(
        paths.map((path) => ({ name: 'A', path })),
        { a: [1] },
      ),
    ).toEqual({});
  });
});

describe('the value of a header', () => {
  it.each(['', 'a', 'us-west1', 'two words', 'file:///a%20b.txt', '=?base64?', '?=', '=?BASE64?eA==?='])(
    'is what it was: %j',
    (value) => {
      expect(headerValue(value)).toBe(value);
    },
  );

  it.each([
    ['Hello, 世界', '=?base64?SGVsbG8sIOS4lueVjA==?='],
    [' padded ', '=?base64?IHBhZGRlZCA=?='],
    ['line1\nline2', '=?base64?bGluZTEKbGluZTI=?='],
    ['=?base64?literal?=', '=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?='],
    ['\tx', '=?base64?CXg=?='],
    ['a\tb', '=?base64?YQli?='],
    ['x ', '=?base64?eCA=?='],
    ['a\r\nX-Evil: 1', '=?base64?YQ0KWC1FdmlsOiAx?='],
  ])('is encoded where it could be misread: %j', (value, encoded) => {
    expect(headerValue(value)).toBe(encoded);
  });
});

describe('the catalogue of tools', () => {
  const tool = (name: string, inputSchema: JsonObject): JsonObject => ({ name, inputSchema });
  const region = tool('query', schema({ region: annotated('Region') }));

  it('knows the tools that were listed, over several pages, and the headers of their calls', () => {
    const catalogue = new ToolCatalogue();
    const page = { tools: [region], nextCursor: '2' };
    expect(catalogue.learn(page)).toEqual({ result: page, dropped: [] });
    catalogue.learn({ tools: [tool('plain', schema({}))] });
    expect(['query', 'plain', 'other'].map((name) => catalogue.knows(name))).toEqual([true, true, false]);
    expect(catalogue.headersFor('query', { region: 'eu' })).toEqual({ 'Mcp-Param-Region': 'eu' });
    expect(catalogue.headersFor('plain', { region: 'eu' })).toEqual({});
    expect(catalogue.headersFor('other', { region: 'eu' })).toEqual({});
  });

  it('leaves a list that is all right as it is, the very same object', () => {
    const catalogue = new ToolCatalogue();
    for (const result of [{ tools: [region] }, { tools: [] }, { tools: 'none' }, {}]) {
      expect(catalogue.learn(result).result).toBe(result);
    }
  });

  it('drops invalid tools, says why, and keeps the others and everything else', () => {
    const catalogue = new ToolCatalogue();
    const odd = { title: 'no name' };
    const bad = tool('bad', schema({ a: annotated('A', 'number') }));
    expect(catalogue.learn({ tools: [bad, region, odd], ttlMs: 3 })).toEqual({
      result: { tools: [region, odd], ttlMs: 3 },
      dropped: [{ name: 'bad', reason: 'a: x-mcp-header is for strings, integers and booleans' }],
    });
    expect(catalogue.knows('bad')).toBe(false);
  });

  it('forgets what a tool was before it was listed otherwise', () => {
    const catalogue = new ToolCatalogue();
    catalogue.learn({ tools: [region] });
    catalogue.learn({ tools: [tool('query', schema({ zone: annotated('Zone') }))] });
    expect(catalogue.headersFor('query', { region: 'eu', zone: 'b' })).toEqual({ 'Mcp-Param-Zone': 'b' });
    catalogue.learn({ tools: [tool('query', schema({ zone: annotated('') }))] });
    expect(catalogue.headersFor('query', { zone: 'b' })).toEqual({});
    expect(catalogue.knows('query')).toBe(false);
  });
});
