import { html } from '@mcp-keyhole/cli-kit';
import type { RequestedScope } from '../oauth/scopes.ts';
import { scopeList } from './consent.ts';
import { page } from './layout.ts';

/** Where the user types the code that the device shows. */
export function deviceCodePage(userCode: string, problem: string | undefined): string {
  return page(
    'Connect a device',
    html`<h1>Connect a device</h1>
      <p class="lead">Enter the code that your device shows.</p>
      ${problem === undefined ? undefined : html`<div class="alert" role="alert" id="problem">${problem}</div>`}
      <form method="get" action="/oauth2/device">
        <label for="user_code">Code</label>
        <input
          type="text"
          id="user_code"
          name="user_code"
          value="${userCode}"
          autocomplete="off"
          autocapitalize="characters"
          spellcheck="false"
          required
          autofocus${problem === undefined ? undefined : html` aria-describedby="problem"`}
        />
        <div class="actions"><button type="submit">Continue</button></div>
      </form>`,
  );
}

/** What a device asks for, and of whom. */
export interface DeviceApproval {
  readonly applicationName: string;
  readonly userCode: string;
  readonly scopes: readonly RequestedScope[];
  readonly csrf: string;
  readonly loginId: string;
  readonly problem: string | undefined;
}

export function deviceApprovalPage(model: DeviceApproval): string {
  const { problem } = model;
  return page(
    'Connect a device',
    html`<h1>Connect <strong>${model.applicationName}</strong>?</h1>
      <p class="lead">Your device shows the code <strong>${model.userCode}</strong>. It would like to:</p>
      ${problem === undefined ? undefined : html`<div class="alert" role="alert" id="problem">${problem}</div>`}
      <form method="post" action="/oauth2/device">
        <input type="hidden" name="csrf" value="${model.csrf}" />
        <input type="hidden" name="user_code" value="${model.userCode}" />
        ${scopeList(model.scopes)}
        <h2>Sign in to allow it</h2>
        <label for="loginId">Email or username</label>
        <input
          type="text"
          id="loginId"
          name="loginId"
          value="${model.loginId}"
          autocomplete="username"
          autocapitalize="none"
          spellcheck="false"
          ${problem === undefined ? undefined : html` aria-describedby="problem"`}
        />
        <label for="password">Password</label>
        <input type="password" id="password" name="password" autocomplete="current-password" />
        <div class="actions">
          <button type="submit" name="decision" value="allow">Allow</button>
          <button type="submit" name="decision" value="cancel" class="plain">Cancel</button>
        </div>
      </form>`,
  );
}
