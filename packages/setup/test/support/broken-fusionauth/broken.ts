import { randomUUID } from 'node:crypto';
import type { EmulatorOptions } from '@mcp-keyhole/fusionauth-emulator';
import type { DoctorScene } from '../doctor-scene.ts';

/** What a whole sign-in ends with when nothing is wrong. */
export const greeting = 'Hello, Test User!';

/** What an administrator does. */
export type Break = (scene: DoctorScene, clientId: string) => Promise<unknown>;
/** Makes a client of that name. @returns its client id */
export type MakeClient = (scene: DoctorScene, name: string) => Promise<string>;

/** A FusionAuth that is broken in one way, or a client of it. */
export interface Broken {
  readonly title: string;
  /** Which switches break it: it gets an emulator of its own. */
  readonly switches?: EmulatorOptions;
  /** The client that signs in. Default: one that the setup tool registers. */
  readonly client?: MakeClient;
  /** What an administrator does to it, or a fault. */
  readonly breaks?: Break;
  /** Undoes that, where the doctor cannot; faults end by themselves. */
  readonly mends?: (scene: DoctorScene) => Promise<unknown>;
  /** What a sign-in does before; `{url}` stands for FusionAuth's. */
  readonly before: string;
  readonly finds: readonly string[];
  /** What `--fix` leaves, since the API cannot change it; by default nothing. */
  readonly leaves?: readonly string[];
}

/** Changes the tenant's settings. */
export async function patchTenant({ admin }: DoctorScene, tenant: object): Promise<unknown> {
  const { tenants } = await admin<{ tenants: { id: string }[] }>('GET', '/api/tenant');
  return admin('PATCH', `/api/tenant/${tenants[0]?.id ?? ''}`, { tenant });
}

/** A secret key, and who signs with it. */
export const secretKey =
  (use: (keys: object) => Break): Break =>
  async (scene, clientId) => {
    const id = randomUUID();
    await scene.admin('POST', `/api/key/generate/${id}`, { key: { algorithm: 'HS256', name: id } });
    await use({ accessTokenKeyId: id, idTokenKeyId: id })(scene, clientId);
  };
