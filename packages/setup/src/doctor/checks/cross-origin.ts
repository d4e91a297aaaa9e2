import type { CORSConfiguration } from '@fusionauth/typescript-client';
import { cleanLine } from '@mcp-keyhole/cli-kit';
import { check, type Check } from '../check.ts';
import type { ClosedOrigin } from '../facts.ts';
import type { Change } from '../finding.ts';

/** Whether hosts that run in a web page reach FusionAuth and the server (CORS), of which only they need leave. */
export const crossOriginChecks: readonly Check[] = [
  check('browser-origin-closed', 'wrong', ['originsClosedAtFusionAuth'], (seen, { browserOrigins }) => {
    const { originsClosedAtFusionAuth: closed, cors } = seen;
    if (closed.length === 0) return undefined;
    const change = cors === undefined ? undefined : corsChange(cors, browserOrigins);
    const isOpen = change?.says.length === 0;
    return {
      about: 'CORS of FusionAuth',
      message: inWords(closed),
      consequence,
      remedy: isOpen
        ? 'FusionAuth itself lets them in: whatever stands before it has to pass on Origin, OPTIONS, and the headers Access-Control-*.'
        : `Settings → System → CORS: enabled, with ${browserOrigins.join(', ')} among the allowed origins, ${needed.allowedHeaders.join(', ')} among the allowed headers, ${needed.exposedHeaders.join(' and ')} among the exposed ones, and the methods ${needed.allowedMethods.join(', ')}.`,
      ...(change === undefined || isOpen ? {} : { change }),
    };
  }),

  check('server-origin-closed', 'wrong', ['originsClosedAtServer'], (seen, question) => {
    const { originsClosedAtServer: closed } = seen;
    if (closed.length === 0) return undefined;
    const origins = closed.map(({ origin }) => origin).join(',');
    return {
      about: `CORS of server ${question.mcpServerUrl ?? ''}`,
      message: inWords(closed),
      consequence,
      remedy: `Start the server with CORS_ORIGIN=${origins}; what stands before it has to pass on Origin, OPTIONS, and the headers Access-Control-*.`,
    };
  }),
];

const consequence =
  'A host that runs in such a page ends its sign-in with "Failed to fetch". Hosts on this machine do not need it.';

function inWords(closed: readonly ClosedOrigin[]): string {
  return closed.map(({ origin, why }) => `By a page of ${origin} ${cleanLine(why.join(', '))}.`).join(' ');
}

/** What a sign-in from a page needs; DPoP and its nonces too (RFC 9449), which FusionAuth does not allow by itself. */
const needed = {
  allowedMethods: ['GET', 'POST', 'OPTIONS'],
  allowedHeaders: ['Accept', 'Authorization', 'Content-Type', 'DPoP', 'MCP-Protocol-Version'],
  exposedHeaders: ['DPoP-Nonce', 'WWW-Authenticate'],
} as const;

/** Adds what is lacking, and takes nothing away. */
function corsChange(cors: CORSConfiguration, browserOrigins: readonly string[]): Change {
  const { allowedOrigins: before = [] } = cors;
  const lists = {
    // FusionAuth takes the asterisk alone only.
    allowedOrigins: before.includes('*') ? before : union(before, browserOrigins),
    allowedMethods: union(cors.allowedMethods ?? [], needed.allowedMethods),
    allowedHeaders: union(cors.allowedHeaders ?? [], needed.allowedHeaders),
    exposedHeaders: union(cors.exposedHeaders ?? [], needed.exposedHeaders),
  };
  const says = Object.entries(lists).flatMap(([name, after]) => {
    const list: readonly string[] = cors[name as keyof typeof lists] ?? [];
    return after.length === list.length
      ? []
      : [`${name}: ${list.join(', ') || 'none'} → ${after.join(', ')}`];
  });
  const enabling = cors.enabled === true ? [] : ['enabled: no → yes'];
  const corsConfiguration = { enabled: true, ...lists };
  return {
    says: [...enabling, ...says].map((line) => `systemConfiguration.corsConfiguration.${line}`),
    requests: [
      {
        method: 'PATCH',
        path: '/api/system-configuration',
        body: { systemConfiguration: { corsConfiguration } },
      },
    ],
  };
}

/** Both, each once; names of headers and methods differ in more than case. */
function union(some: readonly string[], others: readonly string[]): readonly string[] {
  const has = (name: string): boolean => some.some((one) => one.toLowerCase() === name.toLowerCase());
  return [...some, ...others.filter((name) => !has(name))];
}
