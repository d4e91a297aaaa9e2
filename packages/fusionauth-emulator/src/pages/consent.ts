import { html, type Html } from '@mcp-keyhole/cli-kit';
import type { RequestedScope } from '../oauth/scopes.ts';
import { page } from './layout.ts';

/** What the user is asked to allow. */
export interface ConsentPage {
  readonly applicationName: string;
  readonly userName: string;
  readonly scopes: readonly RequestedScope[];
  /** The servers that the application's access token will be for. */
  readonly resources: readonly string[];
  /** Where the user is sent afterwards. */
  readonly redirectUri: string;
  readonly csrf: string;
}

export function consentPage(model: ConsentPage): string {
  const { resources } = model;
  return page(
    'Allow access',
    html`<h1>Allow <strong>${model.applicationName}</strong> access?</h1>
      <p class="lead">
        You are signed in as <strong>${model.userName}</strong>. This application would like to:
      </p>
      <form method="post">
        <input type="hidden" name="csrf" value="${model.csrf}" />
        ${scopeList(model.scopes)}
        <dl class="facts">
          ${
            resources.length === 0
              ? undefined
              : html`<dt>For use at</dt>
                  <dd>${resources.map((resource) => html`<div>${resource}</div>`)}</dd>`
          }
          <dt>Returns to</dt>
          <dd>${model.redirectUri}</dd>
        </dl>
        <div class="actions">
          <button type="submit" name="decision" value="allow">Allow</button>
          <button type="submit" name="decision" value="cancel" class="plain">Cancel</button>
        </div>
      </form>`,
  );
}

/** The scopes of a request: optional ones can be unticked. Without any there is no list. */
export function scopeList(scopes: readonly RequestedScope[]): Html | undefined {
  if (scopes.length === 0) return undefined;
  return html`<ul class="scopes">
    ${scopes.map((scope) => html`<li>${scope.required ? fixed(scope) : choice(scope)}</li>`)}
  </ul>`;
}

function fixed(scope: RequestedScope): Html {
  return html`<div class="fixed">
    ${tick}
    <span>
      <span class="what">${scope.message} <span class="tag">required</span></span>
      ${why(scope)}
    </span>
  </div>`;
}

function choice(scope: RequestedScope): Html {
  return html`<label>
    <input type="checkbox" name="scope" value="${scope.name}" checked />
    <span>
      <span class="what">${scope.message}</span>
      ${why(scope)}
    </span>
  </label>`;
}

const tick = html`<svg
  class="tick"
  viewBox="0 0 20 20"
  fill="none"
  stroke="currentColor"
  stroke-width="2.5"
  aria-hidden="true"
>
  <path d="M4 10.5 8 14.5 16 5.5" />
</svg>`;

function why({ detail }: RequestedScope): Html | undefined {
  return detail === undefined ? undefined : html`<span class="why">${detail}</span>`;
}
