import type { Answer } from './fusionauth-failure.ts';

/**
 * A PATCH as a JSON merge patch (RFC 7396), in which a list replaces the whole list. FusionAuth's client sends a PATCH as
 * application/json, under which FusionAuth may merge lists. Rejects as that client does: with an {@link Answer}.
 */
export async function mergePatch(
  connection: { url: string; apiKey: string; tenantId?: string | undefined; deadline: number },
  path: string,
  body: object,
): Promise<Answer<object>> {
  const response = await sent(connection, path, body);
  const type = response.headers.get('content-type') ?? '';
  const parsed: unknown = type.startsWith('application/json')
    ? await response.json().catch((exception: unknown) => exception)
    : undefined;
  const { status: statusCode } = response;
  // eslint-disable-next-line @typescript-eslint/only-throw-error -- what FusionAuth's client rejects with, which is translated in one place
  if (!response.ok || parsed instanceof Error) throw { statusCode, exception: parsed };
  return { statusCode, ...(typeof parsed === 'object' && parsed !== null ? { response: parsed } : {}) };
}

async function sent(
  { url, apiKey, tenantId, deadline }: Parameters<typeof mergePatch>[0],
  path: string,
  body: object,
): Promise<Response> {
  try {
    return await fetch(`${url}${path}`, {
      method: 'PATCH',
      headers: {
        authorization: apiKey,
        'content-type': 'application/merge-patch+json',
        ...(tenantId === undefined ? {} : { 'x-fusionauth-tenantid': tenantId }),
      },
      body: JSON.stringify(body),
      // The caller gives up at the deadline; this frees the socket soon after.
      signal: AbortSignal.timeout(deadline + 1_000),
    });
  } catch (error) {
    // fetch says `fetch failed`, and only its cause says why.
    const exception = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- as above
    throw { exception };
  }
}
