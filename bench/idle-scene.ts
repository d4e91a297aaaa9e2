import { connectRedisSharedState, createLog, type SharedState } from '@mcp-keyhole/server';
import { PrivateHome } from '../e2e/support/private-home.ts';
import { Processes } from '../e2e/support/processes.ts';
import { RedisServer } from '../packages/server/test/support/redis-server.ts';

/** What servers are measured with while nobody asks them anything: a Redis of their own, and what they keep in it. */
export interface IdleScene extends AsyncDisposable {
  readonly processes: Processes;
  readonly home: PrivateHome;
  readonly redis: RedisServer;
  readonly state: SharedState;
}

/** Who the clients say they are. */
export const idleClient = { name: 'idle', version: '1.0.0' };

export async function openIdleScene(): Promise<IdleScene> {
  const [processes, home] = [new Processes(), new PrivateHome()];
  const redis = await RedisServer.start();
  const log = createLog({ destination: { write: () => undefined } });
  const state = await connectRedisSharedState(redis.url, log);
  return {
    processes,
    home,
    redis,
    state,
    async [Symbol.asyncDispose]() {
      await state.close();
      await processes.close();
      await redis.stop();
      home.remove();
    },
  };
}
