import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { createLog, messageOf, type Log } from '@mcp-keyhole/cli-kit';
import builtInKickstart from '../../../kickstart/kickstart.json' with { type: 'json' };
import { createApp } from './app.ts';
import { errors } from './errors.ts';
import { Faults } from './faults.ts';
import { isLoopback } from './host-check.ts';
import type { JsonObject } from './json.ts';
import { includeFiles } from './kickstart-includes.ts';
import { defaultTenantId, readKickstart, runKickstart, type KickstartOutcome } from './kickstart.ts';
import { listen, listenFailure, type Listener } from './listener.ts';
import { createEngine } from './oauth/engine.ts';
import { engineRunner } from './oauth/engine-request.ts';
import { RequestRecord, type RecordedRequest } from './request-record.ts';
import { DataFile } from './store/data-file.ts';
import { persist, restore } from './store/persistence.ts';
import { createStore } from './store/store.ts';
import { Events } from './webhooks/events.ts';
import { applySwitches, type Switches } from './switches.ts';

/** How an emulator is started; everything has a default. */
export interface EmulatorOptions extends Switches {
  /** Default 9011, FusionAuth's; 0 takes any free one. */
  readonly port?: number;
  /** Default 127.0.0.1, which listens on ::1 too. */
  readonly host?: string;
  /** Permits a `host` that others in the network can reach. */
  readonly allowNonLoopback?: boolean;
  /** A kickstart, or the path of its file. Default: the built-in copy of `kickstart/kickstart.json`. */
  readonly kickstart?: JsonObject | string;
  /** Told of each request of the kickstart; one that fails then does not keep the emulator from starting. */
  readonly onKickstartRequest?: (outcome: KickstartOutcome) => void;
  /** A folder to keep everything in, so that a restart goes on with it. Default: in memory only. */
  readonly data?: string | undefined;
  /** What `#{ENV.…}` reads. `FUSIONAUTH_EXTERNAL_URL` is the emulator's own URL where it is absent. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Where failures are told. Default: stderr. */
  readonly log?: Log;
}

/** A running emulator. */
export interface Emulator {
  /** `http://localhost:<port>` */
  readonly url: string;
  readonly port: number;
  /** The first API key, if there is one. */
  readonly apiKey: string | undefined;
  /** The requests answered since the kickstart, oldest first, without anything secret. */
  readonly requests: readonly RecordedRequest[];
  /** Ends it at once. */
  close(): Promise<void>;
}

/**
 * Starts an emulator in this process and runs its kickstart.
 *
 * @throws EmulatorError
 */
export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const host = options.host ?? '127.0.0.1';
  const loopback = isLoopback(host);
  if (!loopback && options.allowNonLoopback !== true) throw errors.nonLoopbackHost(host);
  const document = await loadKickstart(options.kickstart ?? builtInKickstart);
  const store = createStore({ ...options, tenantId: defaultTenantId(document) });
  const log = options.log ?? createLog({ program: 'fusionauth-emulator', level: 'info' });
  const file = options.data === undefined ? undefined : await DataFile.open(options.data);
  const events = new Events(store, log);
  let listener: Listener | undefined;
  const close = async (): Promise<void> => {
    events.close();
    await listener?.close();
    await file?.close();
  };
  try {
    const restored = file !== undefined && (await restore(store, file));
    const faults = new Faults();
    const engine = await createEngine({ store, events, faults }, log);
    const record = new RequestRecord();
    const app = createApp(
      { store, events, faults, engine, runEngine: engineRunner(engine) },
      { record, loopbackOnly: loopback, data: options.data, log },
    );
    const port = options.port ?? 9011;
    listener = await listen(app, host, port).catch((error: unknown) => {
      throw listenFailure(error, host, port);
    });
    const url = `http://localhost:${listener.port}`;
    // As in FusionAuth, a kickstart runs only where there is nothing yet.
    if (!restored) {
      const kickstart = readKickstart(document, {
        env: { FUSIONAUTH_EXTERNAL_URL: url, FUSIONAUTH_LICENSE_KEY: '', ...definedOnly(options.env ?? {}) },
        tenantId: store.tenant.id,
        defaultSigningKeyId: store.defaultSigningKeyId,
      });
      for (const apiKey of kickstart.apiKeys) store.apiKeys.set(apiKey.key, apiKey);
      const baseUrl = loopback ? url : `http://127.0.0.1:${listener.port}`;
      await runKickstart(kickstart, baseUrl, options.onKickstartRequest);
      await events.publish('kickstart.success', { instanceId: store.tenant.id });
    }
    applySwitches(store, options);
    // Only now: a kickstart that failed half-way leaves no file behind.
    if (file !== undefined) await persist(store, file);
    record.requests.length = 0;
    return {
      url,
      port: listener.port,
      apiKey: store.apiKeys.keys().next().value,
      requests: record.requests,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function loadKickstart(source: JsonObject | string): Promise<JsonObject> {
  if (typeof source !== 'string') return source;
  const text = await readFile(source, 'utf8').catch((error: unknown) => {
    throw errors.kickstartUnreadable(source, messageOf(error), error);
  });
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    throw errors.kickstartInvalid(source, `is not JSON (${messageOf(error)})`);
  }
  return (await includeFiles(document, path.dirname(path.resolve(source)))) as JsonObject;
}

function definedOnly(
  env: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
}
