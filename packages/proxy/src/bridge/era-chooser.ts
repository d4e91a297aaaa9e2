import { Cancellation } from '../cancellation.ts';
import type { Log } from '@mcp-keyhole/cli-kit';
import { errors, ProxyError, type ProxyErrorCode } from '../errors.ts';
import type { Endpoint } from '../http/endpoint.ts';
import { askEra, eraOf, type Era } from './era.ts';
import { isGreeting } from './greeting.ts';
import { LegacyServer } from './legacy-server.ts';
import { objectOf, type JsonObject, type Message } from './message.ts';
import type { ServerMemory } from './remembered-server.ts';
import type { OnMessage, RequestContext, ServerSide } from './server-side.ts';

/** Failures of a greeting that leave it open whether it was made in the right era. */
const doubtful = new Set<ProxyErrorCode>([
  'answer-lost',
  'server-answer-unusable',
  'server-error',
  'server-redirected',
]);

/** What an {@link EraChooser} works with. */
export interface EraChooserContext {
  readonly endpoint: Endpoint;
  readonly memory: Pick<ServerMemory, 'facts' | 'rememberEra'>;
  /** Takes what the server sends of its own accord. */
  readonly onMessage: OnMessage;
  readonly log: Log;
}

/**
 * The server in the host's era, whichever it speaks itself: asks it once, remembers the verdict, and puts a translator
 * between where the two differ.
 */
export class EraChooser implements ServerSide {
  readonly #context: EraChooserContext;
  readonly #end = new Cancellation();
  readonly #sides = new Map<Era, ServerSide>();
  #verdict: Promise<Era> | undefined;
  /** Whether the verdict is that of an earlier run, or a guess, and no answer has confirmed it yet. */
  #isTentative = false;
  #hasJudged = false;

  constructor(context: EraChooserContext) {
    this.#context = context;
  }

  async request(message: Message, context: RequestContext): Promise<Message> {
    // A ping says nothing of its sender's era, as a notification does not.
    const [known] = message.method === 'ping' ? this.#sides.values() : [];
    if (known !== undefined) return known.request(message, context);
    const host = eraOf(message);
    const settled = this.#isTentative ? undefined : this.#sides.get(host);
    if (settled !== undefined) return settled.request(message, context);
    const era = await this.#serverEra(message);
    const side = await this.#sideFor(host, era);
    if (!this.#isTentative || !isGreeting(message)) return side.request(message, context);
    const answer = await side.request(message, context).catch(async (error: unknown) => {
      if (error instanceof ProxyError && doubtful.has(error.code)) await this.#discard(host, side);
      throw error;
    });
    if (answer.error === undefined) {
      this.#isTentative = false;
      return answer;
    }
    // It is not what it was taken for; or it refuses everybody, and then it does so again.
    await this.#discard(host, side);
    const judged = await this.#serverEra(message);
    if (judged === era) return answer;
    return (await this.#sideFor(host, judged)).request(message, context);
  }

  async notify(message: Message): Promise<void> {
    // A notification says nothing of its sender's era; but only one host is there.
    const [known] = this.#sides.values();
    const side = known ?? (await this.#sideFor(eraOf(message), await this.#serverEra(message)));
    await side.notify(message);
  }

  async close(): Promise<void> {
    this.#end.abort(errors.shuttingDown());
    await Promise.all([...this.#sides.values()].map((side) => side.close()));
  }

  /** The next request finds out anew what the server speaks. */
  async #discard(host: Era, side: ServerSide): Promise<void> {
    this.#verdict = undefined;
    this.#sides.delete(host);
    await side.close();
  }

  #serverEra(message: Message): Promise<Era> {
    this.#verdict ??= this.#judge(clientInfoOf(message)).catch((error: unknown) => {
      this.#verdict = undefined;
      throw error;
    });
    return this.#verdict;
  }

  async #judge(clientInfo: JsonObject): Promise<Era> {
    const { endpoint, memory, log } = this.#context;
    const { era: remembered } = await memory.facts();
    const isFirst = !this.#hasJudged;
    this.#hasJudged = true;
    if (remembered !== undefined && isFirst) {
      this.#isTentative = true;
      return remembered;
    }
    const { era, certain } = await askEra(endpoint, clientInfo, this.#end.signal, log);
    log.debug('the server has been asked which protocol it speaks', { era, certain });
    // Servers fail at the question in many ways, some of them for the moment; only a modern one answers it.
    this.#isTentative = era === 'legacy';
    if (certain) memory.rememberEra(era);
    return era;
  }

  async #sideFor(host: Era, server: Era): Promise<ServerSide> {
    const known = this.#sides.get(host);
    if (known !== undefined) return known;
    const side = await this.#open(host, server);
    const meanwhile = this.#sides.get(host);
    if (meanwhile !== undefined) return meanwhile;
    this.#sides.set(host, side);
    return side;
  }

  async #open(host: Era, server: Era): Promise<ServerSide> {
    const { endpoint, onMessage, log } = this.#context;
    // Translators, and what belongs to the modern era, are loaded by those who need them.
    if (host === 'legacy' && server === 'legacy') return new LegacyServer(endpoint, onMessage, log);
    if (server === 'legacy') {
      const { createModernHost } = await import('./modern-host.ts');
      return createModernHost((fromServer) => new LegacyServer(endpoint, fromServer, log), {
        onMessage,
        log,
      });
    }
    const { ModernServer } = await import('./modern-server.ts');
    const modern = new ModernServer(endpoint, log);
    if (host === 'modern') return modern;
    const { createLegacyHost } = await import('./legacy-host.ts');
    return createLegacyHost(modern, { server: endpoint.url, onMessage, log });
  }
}

/** Who the host says it is. */
function clientInfoOf({ params, meta }: Message): JsonObject {
  const given = meta['io.modelcontextprotocol/clientInfo'] ?? params['clientInfo'];
  const { name } = objectOf(given);
  return typeof name === 'string' ? objectOf(given) : { name: 'mcp-keyhole', version: '0' };
}
