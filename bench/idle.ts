// What a node holds without being asked anything: the memory of open streams, what Redis keeps, and how long a start takes.
import { coldStart } from './cold-start.ts';
import { openIdleScene } from './idle-scene.ts';
import { idleStreams } from './idle-streams.ts';
import { redisMemory } from './redis-memory.ts';
import type { Table } from './table.ts';

/** What is open, or kept, while memory is measured, and how often a start is. */
interface Counts {
  readonly streams: number;
  readonly kept: number;
  readonly starts: number;
}

export async function idleFigures({ streams, kept, starts }: Counts): Promise<readonly Table[]> {
  await using scene = await openIdleScene();
  return [await idleStreams(scene, streams), await redisMemory(scene, kept), await coldStart(scene, starts)];
}
