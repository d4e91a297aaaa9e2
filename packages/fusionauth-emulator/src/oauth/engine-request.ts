import { IncomingMessage, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { Provider } from 'oidc-provider';
import type { Application } from '../store/types.ts';

/** A token request that passed FusionAuth's own rules, on its way through the engine. */
export interface Exchange {
  readonly application: Application;
  /** Resources of the access token; undefined takes all that were authorized. */
  readonly resources: readonly string[] | undefined;
  /** Scopes of the access token; undefined takes all that were granted. */
  readonly scopes: readonly string[] | undefined;
  /** A one-time refresh token that was used again within its grace period: the current one is answered, unrotated. */
  readonly withinGrace: boolean;
  /** The thumbprint of the key that the access token is bound to (RFC 9449), where there was a proof. */
  readonly jkt?: string | undefined;
  /** How the user came by it, where that is not `authorization_code`. */
  readonly grantType?: string;
}

/** A request to the engine, made anew from one that was checked: the engine sees what we say, not what was sent. */
export class EngineRequest extends IncomingMessage {
  readonly exchange: Exchange | undefined;

  constructor(request: {
    method: 'GET' | 'POST';
    /** Path and query. */
    url: string;
    headers: IncomingHttpHeaders;
    form?: URLSearchParams;
    exchange?: Exchange;
  }) {
    // The socket is never connected: reading the body here must not touch the browser's connection.
    super(new Socket());
    this.method = request.method;
    this.url = request.url;
    const { host, cookie } = request.headers;
    const body = Buffer.from(request.form?.toString() ?? '');
    this.headers = {
      ...(host === undefined ? {} : { host }),
      ...(cookie === undefined ? {} : { cookie }),
      ...(request.form === undefined
        ? {}
        : {
            'content-type': 'application/x-www-form-urlencoded',
            'content-length': String(body.length),
          }),
    };
    this.exchange = request.exchange;
    this.complete = true;
    if (body.length > 0) this.push(body);
    this.push(null);
  }
}

/** Lets the engine answer a request. */
export type RunEngine = (request: EngineRequest, response: ServerResponse) => Promise<void>;

export function engineRunner(engine: Provider): RunEngine {
  const callback = engine.callback();
  return async (request, response) => {
    await callback(request, response);
  };
}
