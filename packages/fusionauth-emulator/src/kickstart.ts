import { cleanLine } from '@mcp-keyhole/cli-kit';
import { errors } from './errors.ts';
import { isObject, textOf, type JsonObject } from './json.ts';
import { evaluate, type Variables } from './kickstart-expressions.ts';
import { fusionAuthApplicationId } from './store/store.ts';
import type { ApiKey } from './store/types.ts';

/** A kickstart whose expressions were evaluated. */
export interface Kickstart {
  readonly apiKeys: readonly ApiKey[];
  readonly requests: readonly KickstartRequest[];
}

export interface KickstartRequest {
  readonly method: 'POST' | 'PUT' | 'PATCH';
  /** Path and query. */
  readonly url: string;
  readonly tenantId: string | undefined;
  readonly contentType: string;
  readonly body: unknown;
}

/** What a kickstart may refer to besides its own variables. */
export interface KickstartSurroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly tenantId: string;
  readonly defaultSigningKeyId: string;
}

/**
 * Reads a kickstart: checks its shape and evaluates its expressions. `licenseId` and `settings` have no effect here.
 *
 * @throws EmulatorError `kickstart-invalid`, `kickstart-expression`
 */
export function readKickstart(document: unknown, surroundings: KickstartSurroundings): Kickstart {
  if (!isObject(document)) throw errors.kickstartInvalid('the file', 'has to be a JSON object');
  const { env } = surroundings;
  const provided: Variables = {
    FUSIONAUTH_TENANT_ID: surroundings.tenantId,
    FUSIONAUTH_APPLICATION_ID: fusionAuthApplicationId,
    FUSIONAUTH_DEFAULT_SIGNING_KEY_ID: surroundings.defaultSigningKeyId,
  };
  const variables = { ...provided, ...readVariables(document, provided, env) };
  const listed = (name: 'apiKeys' | 'requests'): unknown[] => {
    const value = document[name] ?? [];
    if (!Array.isArray(value)) throw errors.kickstartInvalid(name, 'has to be a list');
    return value.map((item, index) => evaluate(item, { variables, env, where: `${name}[${index}]` }));
  };
  const apiKeys = listed('apiKeys').map(readApiKey);
  const requests = listed('requests').map(readRequest);
  if (requests.length > 0 && apiKeys.length === 0) {
    throw errors.kickstartInvalid('apiKeys', 'has to hold the key that the requests are sent with');
  }
  return { apiKeys, requests };
}

/** The id that a kickstart gives the default tenant by the variable `defaultTenantId`, if it does. */
export function defaultTenantId(document: unknown): string | undefined {
  const variables = isObject(document) ? document['variables'] : undefined;
  const id = isObject(variables) ? textOf(variables['defaultTenantId']) : undefined;
  return id?.includes('#{') === true ? undefined : id;
}

/** Variables may use what is provided, the environment, and the variables before them. */
function readVariables(
  document: JsonObject,
  provided: Variables,
  env: KickstartSurroundings['env'],
): Variables {
  const declared = document['variables'] ?? {};
  if (!isObject(declared)) throw errors.kickstartInvalid('variables', 'has to be an object');
  const variables: Record<string, string> = {};
  for (const [name, value] of Object.entries(declared)) {
    if (!['string', 'number', 'boolean'].includes(typeof value)) {
      throw errors.kickstartInvalid(`variables.${name}`, 'has to be a text');
    }
    const where = `variables.${name}`;
    variables[name] = String(
      evaluate(String(value), { variables: { ...provided, ...variables }, env, where }),
    );
  }
  return variables;
}

function readApiKey(item: unknown, index: number): ApiKey {
  const where = `apiKeys[${index}]`;
  if (!isObject(item)) throw errors.kickstartInvalid(where, 'has to be an object');
  const key = textOf(item['key']);
  if (key === undefined) throw errors.kickstartInvalid(`${where}.key`, 'is missing');
  const permissions = isObject(item['permissions']) ? item['permissions']['endpoints'] : undefined;
  return {
    key,
    description: textOf(item['description']),
    permissions: isObject(permissions)
      ? Object.fromEntries(
          Object.entries(permissions).map(([path, methods]) => [
            path,
            Array.isArray(methods) ? methods.map(String) : [],
          ]),
        )
      : undefined,
  };
}

function readRequest(item: unknown, index: number): KickstartRequest {
  const where = `requests[${index}]`;
  if (!isObject(item)) throw errors.kickstartInvalid(where, 'has to be an object');
  const { method } = item;
  // FusionAuth's own examples also write `api/…`.
  const url = textOf(item['url'])?.replace(/^api\//u, '/api/');
  if (method !== 'POST' && method !== 'PUT' && method !== 'PATCH') {
    throw errors.kickstartInvalid(`${where}.method`, 'has to be POST, PUT or PATCH');
  }
  if (url?.startsWith('/') !== true) {
    throw errors.kickstartInvalid(`${where}.url`, 'has to be a path that begins with a slash');
  }
  return {
    method,
    url,
    tenantId: textOf(item['tenantId']),
    contentType: textOf(item['contentType']) ?? 'application/json',
    body: item['body'],
  };
}

/** What came of one request of a kickstart. */
export interface KickstartOutcome {
  readonly method: string;
  readonly url: string;
  readonly status: number;
  /** The body of the answer, shortened. */
  readonly answer: string;
}

/**
 * Sends the requests of a kickstart in order, with its first API key, and stops at the first that fails; with `report` it
 * goes on and tells of each.
 *
 * @throws EmulatorError `kickstart-request-failed`, naming the request
 */
export async function runKickstart(
  kickstart: Kickstart,
  baseUrl: string,
  report?: (outcome: KickstartOutcome) => void,
): Promise<void> {
  const key = kickstart.apiKeys[0]?.key ?? '';
  for (const [index, request] of kickstart.requests.entries()) {
    const response = await fetch(`${baseUrl}${request.url}`, {
      method: request.method,
      headers: {
        authorization: key,
        'content-type': request.contentType,
        ...(request.tenantId === undefined ? {} : { 'x-fusionauth-tenantid': request.tenantId }),
      },
      body: JSON.stringify(request.body ?? {}),
    });
    const answer = await response.text();
    if (report !== undefined) {
      report({ ...request, status: response.status, answer: cleanLine(answer, 1_000) });
    } else if (!response.ok) {
      const place = `request ${index + 1} (${request.method} ${request.url})`;
      throw errors.kickstartRequestFailed(place, response.status, cleanLine(answer, 1_000));
    }
  }
}
