import { randomUUID } from 'node:crypto';
import { FusionAuthClient } from '@fusionauth/typescript-client';
import { startEmulator } from '@mcp-keyhole/fusionauth-emulator';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { demoApiKey } from '../../src/api-key.ts';

let emulator: Awaited<ReturnType<typeof startEmulator>>;

beforeAll(async () => {
  emulator = await startEmulator({ port: 0 });
});

afterAll(() => emulator.close());

describe("the order of API calls of FusionAuth's own setup script", () => {
  it('works against the emulator, body by body as the guide shows them', async () => {
    const before = emulator.requests.length;
    const status = await fetch(`${emulator.url}/api/status`);
    expect(status.status).toBe(200);

    const client = new FusionAuthClient(demoApiKey, emulator.url);
    const applicationId = randomUUID();
    const application = await rawCall('POST', `/api/application/${applicationId}`, {
      application: {
        name: 'Claude Desktop',
        oauthConfiguration: {
          authorizedRedirectURLs: [
            'http://localhost:3334/oauth/callback',
            'http://127.0.0.1:3334/oauth/callback',
            'http://localhost:3334/callback',
            'http://127.0.0.1:3334/callback',
          ],
          authorizedResourceUris: ['http://localhost:8000/mcp'],
          authorizedURLValidationPolicy: 'ExactMatch',
          clientAuthenticationPolicy: 'NotRequiredWhenUsingPKCE',
          enabledGrants: ['authorization_code', 'refresh_token'],
          generateRefreshTokens: true,
          proofKeyForCodeExchangePolicy: 'Required',
          requireClientAuthentication: false,
          relationship: 'ThirdParty',
          scopeHandlingPolicy: 'Strict',
        },
      },
    });
    expect(application).toMatchObject({ status: 200, body: { application: { id: applicationId } } });

    const scope = await rawCall('POST', `/api/application/${applicationId}/scope`, {
      scope: {
        name: 'get_name',
        description: "Access the get_name tool to retrieve the authenticated user's name",
        defaultConsentMessage: 'Allow this application to read your name',
        defaultConsentDetail: 'This will share your display name with the requesting application.',
        required: true,
      },
    });
    expect(scope).toMatchObject({ status: 200, body: { scope: { name: 'get_name' } } });

    const { response } = await client.retrieveUserByEmail('test@example.com');
    const registration = await client.register(response.user?.id ?? '', { registration: { applicationId } });
    expect(registration).toMatchObject({ statusCode: 200, response: { registration: { applicationId } } });

    expect(emulator.requests.slice(before).map(({ method, path }) => `${method} ${path}`)).toEqual([
      'GET /api/status',
      `POST /api/application/${applicationId}`,
      `POST /api/application/${applicationId}/scope`,
      'GET /api/user',
      `POST /api/user/registration/${response.user?.id ?? ''}`,
    ]);
  });
});

/** A call as another language's client would make it, with fields that the TypeScript client's types lack. */
async function rawCall(
  method: string,
  path: string,
  body: object,
): Promise<{ status: number; body: unknown }> {
  const answer = await fetch(`${emulator.url}${path}`, {
    method,
    headers: { authorization: demoApiKey, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: answer.status, body: await answer.json() };
}
