import { html, type Html } from '@mcp-keyhole/cli-kit';
import { connectors } from '../../clients/connectors.ts';
import { offered } from '../host-guide.ts';
import { longestName, type Field, type RegistrationForm } from '../registration-form.ts';
import type { Session } from '../sessions.ts';
import { csrfField, portalPage } from './layout.ts';

/** The form that registers a client, empty or with what was wrong with it. */
export function registerPage(session: Session, form: RegistrationForm): string {
  const { values, problems } = form;
  const wrong = Object.keys(problems).length > 0;
  return portalPage(
    session,
    wrong ? 'Error: Register a client' : 'Register a client',
    html`<a class="back" href="/">← Your clients</a>
      <h1>Register a client</h1>
      <p class="lead">One for each MCP host on your computer.</p>
      ${wrong ? html`<div class="alert" role="alert">Nothing was registered yet: see below.</div>` : undefined}
      <form method="post" action="/clients" novalidate>
        ${csrfField(session)}
        <div class="field">
          <label for="name">Name</label>
          <input
            type="text"
            id="name"
            name="name"
            value="${values.name}"
            maxlength="${longestName}"
            autocomplete="off"
            required
            ${aids('name', form)}
          />
          ${problemOf('name', form)}
          <p class="why" id="name-why">
            What you read when you are asked to allow it access, such as “Cursor of Ada”.
          </p>
        </div>
        <div class="field">
          <label for="host">Host</label>
          <select id="host" name="host" required ${aids('host', form)}>
            <option value="">Choose a host</option>
            <optgroup label="With the proxy mcp-keyhole">
              ${offered.map(({ id, title }) => option(id, title, values.host))}
            </optgroup>
            <optgroup label="Signing in by itself">
              ${connectors.map(({ id, title }) => option(`for-${id}`, title, values.host))}
            </optgroup>
          </select>
          ${problemOf('host', form)}
          <p class="why" id="host-why">The program that you use the MCP server from.</p>
        </div>
        <div class="field">
          <label for="port">Port</label>
          <input
            type="number"
            id="port"
            name="port"
            value="${values.port}"
            min="1"
            max="65535"
            required
            ${aids('port', form)}
          />
          ${problemOf('port', form)}
          <p class="why" id="port-why">
            Where a sign-in comes back to the proxy on your computer. Another one than 3334 only if that is
            taken there.
          </p>
        </div>
        <div class="actions">
          <button type="submit">Register</button>
          <a class="button plain" href="/">Cancel</a>
        </div>
      </form>`,
  );
}

function option(value: string, title: string, chosen: string): Html {
  return html`<option value="${value}" ${value === chosen ? html`selected` : undefined}>${title}</option>`;
}

/** What a screen reader tells of a field, and where the keyboard begins: at the first that has to be filled in or mended. */
function aids(field: Field, { problems }: RegistrationForm): Html {
  const first = (['name', 'host', 'port'] as const).find((one) => problems[one] !== undefined) ?? 'name';
  const invalid = problems[field] !== undefined;
  return html`aria-describedby="${invalid ? `${field}-wrong ` : ''}${field}-why"${invalid ? html` aria-invalid="true"` : undefined}${field === first ? html` autofocus` : undefined}`;
}

function problemOf(field: Field, { problems }: RegistrationForm): Html | undefined {
  const problem = problems[field];
  return problem === undefined ? undefined : html`<p class="wrong" id="${field}-wrong">${problem}</p>`;
}
