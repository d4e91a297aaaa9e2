import { html } from '@mcp-keyhole/cli-kit';
import type { Refusal } from '../refusals.ts';
import { portalPage } from './layout.ts';

/** Why a request was not answered, and what to do. */
export function refusalPage({ title, message, remedy, link }: Refusal): string {
  return portalPage(
    undefined,
    title,
    html`<h1>${title}</h1>
      <p class="lead">${message}</p>
      <p>${remedy}</p>
      <div class="actions"><a class="button" href="${link.href}">${link.text}</a></div>`,
  );
}
