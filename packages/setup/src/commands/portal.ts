import { createLog } from '@mcp-keyhole/cli-kit';
import { connect } from '../api-key.ts';
import { configOf, options } from '../portal/config.ts';
import { serve } from '../portal/listener.ts';
import { findPortalClient } from '../portal/portal-client.ts';
import { createPortal } from '../portal/portal.ts';
import { defineCommand, program, refuseSurplus } from './command.ts';

export const command = defineCommand({
  name: 'portal',
  summary:
    'Runs a page on which developers sign in with FusionAuth and register MCP clients of their own. The API key stays here.',
  usage: ['portal [--fusionauth-url URL] [--mcp-server-url URL] [--listen [HOST:]PORT]'],
  options,
  notes: [
    'The portal is itself an application in FusionAuth: it registers that at its first start and finds it again later. Who may\n' +
      'sign in is decided there: "Require registration" keeps out who is not registered to it.',
    'It runs until Ctrl+C (SIGINT) or SIGTERM. Exit code: 0 ended, 1 failure, 2 usage.',
  ],
  config({ values, positionals }) {
    refuseSurplus(positionals, 0, 'portal takes flags only. `mcp-keyhole-setup portal --help` lists them.');
    return configOf(values);
  },
  async run(config, { terminal, write }) {
    const log = createLog({ program, level: config.debug ? 'debug' : 'info' });
    const fusionAuth = await connect(config, terminal);
    await terminal.step(
      `Checking FusionAuth at ${config.fusionAuthUrl}`,
      () => fusionAuth.checkRunning(),
      `FusionAuth is running at ${config.fusionAuthUrl}.`,
    );
    const client = await terminal.step(
      "Looking for the portal's application",
      () => findPortalClient(fusionAuth, config.portalUrl),
      ({ clientId, isNew }) =>
        `${isNew ? 'Registered the portal in FusionAuth' : 'The portal is registered in FusionAuth'} (client id ${clientId}).`,
    );
    await serve(createPortal(config, { fusionAuth, client, log }), config.listen, {
      signal: interruption(),
      onListening: () => write(`The portal is at ${config.portalUrl}\n`),
    });
    return 0;
  },
});

/** Aborted by Ctrl+C or SIGTERM; a second one ends the process as usual. */
function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      controller.abort();
    });
  }
  return controller.signal;
}
