import { cleanLine } from '@mcp-keyhole/cli-kit';
import type { ApiRequest } from './finding.ts';
import { exchange, NotSeen } from './http.ts';

/**
 * FusionAuth's management API as the doctor uses it. Not by FusionAuth's client: that has no deadline, and sends a PATCH
 * as application/json, under which FusionAuth may merge lists where RFC 7396 replaces them.
 */
export interface ManagementApi {
  /** The body of a 200. @throws NotSeen with the reason, KeyRefused on 401 or 403 */
  read(path: string): Promise<object>;
  /** Makes a change. @throws NotSeen with what FusionAuth says against it */
  send(request: ApiRequest): Promise<void>;
}

/** The API key may not do that. */
export class KeyRefused extends NotSeen {
  /** Such as `GET /api/tenant`. */
  readonly request: string;

  constructor(request: string) {
    super(`the API key may not ${request}`);
    this.request = request;
  }
}

/** Nothing stands at the path. */
export class Absent extends NotSeen {}

export function connectManagementApi(connection: {
  url: string;
  apiKey: string;
  tenantId: string | undefined;
}): ManagementApi {
  const headers = {
    authorization: connection.apiKey,
    accept: 'application/json',
    ...(connection.tenantId === undefined ? {} : { 'x-fusionauth-tenantid': connection.tenantId }),
  };

  async function call(method: string, path: string, body?: object): Promise<string> {
    const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
    const answer = await exchange(`${connection.url}${path}`, {
      method,
      headers: body === undefined ? headers : { ...headers, 'content-type': type },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (answer.status === 200) return answer.text;
    const what = `${method} ${path.replace(/\?.*$/u, '')}`;
    if (answer.status === 401 || answer.status === 403) throw new KeyRefused(what);
    if (answer.status === 404) throw new Absent(`there is nothing at ${path}`);
    const said = complaints(answer.text);
    throw new NotSeen(`${what} answers HTTP ${String(answer.status)}${said === '' ? '' : `: ${said}`}`);
  }

  return {
    async read(path) {
      const text = await call('GET', path);
      const body: unknown = text.startsWith('{') ? JSON.parse(text) : undefined;
      if (typeof body === 'object' && body !== null) return body;
      throw new NotSeen(`GET ${path} does not answer with a JSON object`);
    },
    async send({ method, path, body }) {
      await call(method, path, body);
    },
  };
}

/** What FusionAuth says in the body of a refusal, as one line. */
function complaints(text: string): string {
  const messages = [...text.matchAll(/"message"\s*:\s*"(?<said>(?:[^"\\]|\\.)*)"/gu)].map(
    ({ groups }) => groups?.['said'] ?? '',
  );
  return cleanLine(messages.join(' ')).replace(/\.$/u, '');
}
