import { html, type Html } from '@mcp-keyhole/cli-kit';
import { offered, platformTitles, type HostGuide } from '../host-guide.ts';
import { platforms } from '../../hosts/machine.ts';
import type { OwnClient } from '../own-clients.ts';
import type { Session } from '../sessions.ts';
import { noticeLine, portalPage } from './layout.ts';

/** One client: what it is, and how it gets into a host. */
export function clientPage(
  session: Session,
  model: { client: OwnClient; guide: HostGuide; notice: string | undefined },
): string {
  const { client, guide } = model;
  return portalPage(
    session,
    client.name,
    html`<a class="back" href="/">← Your clients</a>
      ${noticeLine(model.notice)}
      <h1>${client.name}</h1>
      <dl class="facts">
        <dt>Client id</dt>
        <dd><code>${client.id}</code></dd>
        <dt>Server</dt>
        <dd>${client.resource}</dd>
        <dt>Redirect port</dt>
        <dd>${client.callbackPort}</dd>
      </dl>
      <h2 id="host">Configuration for</h2>
      ${choices(client, guide)}
      <ol class="steps">
        <li>
          <p>
            ${
              guide.file === undefined
                ? html`Put this where your host keeps its MCP servers:`
                : html`Put this into <code class="code">${guide.file}</code>, beside what is there:`
            }
          </p>
          ${copyable('configuration', 'Configuration', guide.configuration)}
          ${
            guide.command === undefined
              ? undefined
              : html`<details>
                  <summary>Or let a command write it</summary>
                  ${copyable('command', 'Command', guide.command)}
                </details>`
          }
        </li>
        <li><p>${marked(guide.host.reload)}</p></li>
        <li><p>At the first use your browser opens, and you sign in and allow access.</p></li>
      </ol>
      <div class="actions">
        <a class="button plain" href="/clients/${client.id}/remove">Remove this client</a>
      </div>`,
  );
}

function choices(client: OwnClient, guide: HostGuide): Html {
  const link = (title: string, host: string, platform: string, current: boolean): Html =>
    html`<li>
      <a
        href="/clients/${client.id}?host=${host}&platform=${platform}"
        ${current ? html`aria-current="true"` : undefined}
        >${title}</a
      >
    </li>`;
  return html`<nav aria-label="Host">
      <ul class="choices">
        ${offered.map(({ id, title }) => link(title, id, guide.platform, id === guide.host.id))}
      </ul>
    </nav>
    <nav aria-label="Platform">
      <ul class="choices">
        ${platforms.map((one) => link(platformTitles[one], guide.host.id, one, one === guide.platform))}
      </ul>
    </nav>`;
}

/** Text to copy without a script: in a text area, Ctrl+A selects all of it and nothing else. */
export function copyable(id: string, label: string, text: string): Html {
  // For browsers that do not size it by its content: long lines are broken.
  const rows = text
    .trimEnd()
    .split('\n')
    .reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / 64)), 0);
  return html`<textarea id="${id}" aria-label="${label}" rows="${rows}" readonly spellcheck="false">
${text.trimEnd()}</textarea>`;
}

/** A sentence in which backticks mark code. */
function marked(sentence: string): Html {
  return html`${sentence
    .split('`')
    .map((part, index) => (index % 2 === 0 ? html`${part}` : html`<code>${part}</code>`))}`;
}
