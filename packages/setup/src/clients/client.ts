/** What an MCP client in FusionAuth shall be. */
export interface ClientDescription {
  readonly name: string;
  /** Where a sign-in may come back to; FusionAuth compares them as strings. */
  readonly redirectUrls: readonly string[];
  /** The URLs of the MCP endpoints that its tokens may be for (RFC 8707). */
  readonly resources: readonly string[];
  /** Its own scopes, beside those of OpenID Connect, which FusionAuth brings along. */
  readonly scopes: readonly ScopeDescription[];
  /** Whether it can keep a secret (RFC 6749, section 2.1): a connector that runs at its vendor's, not on the user's machine. */
  readonly confidential: boolean;
}

/** A scope of one application; the texts stand on the consent page. */
export interface ScopeDescription {
  readonly name: string;
  readonly description?: string | undefined;
  readonly consentMessage?: string | undefined;
  readonly consentDetail?: string | undefined;
  /** Whether the user cannot untick it. */
  readonly required: boolean;
}

/** What `application.data.mcpKeyhole` says of an application that is ours. */
export interface Marker {
  /** The set of `apply` that it belongs to; `--prune` removes only what is of the same set. */
  readonly set?: string | undefined;
  /** The id of the FusionAuth user whose own it is, by way of the portal. */
  readonly owner?: string | undefined;
  /** The id of the host that the owner registered it for. */
  readonly host?: string | undefined;
}

/** The scopes of OpenID Connect that every client asks for: the user's profile, and refresh tokens (offline_access). */
const providedScopes = ['openid', 'profile', 'offline_access'] as const;

/**
 * What a host asks for when it signs in, space-separated. Not the scopes of those tools of our server that lead it to theirs
 * when they are called: nobody is asked for what he may never use.
 */
export function scopeText({ scopes }: Pick<ClientDescription, 'scopes'>): string {
  const names = scopes.map(({ name }) => name).filter((name) => !laterScopes.includes(name));
  return [...providedScopes, ...names].join(' ');
}

/** The URL of the MCP endpoint, which tokens are issued for (RFC 8707), from the server's base URL. */
export function resourceOf(mcpServerUrl: string): string {
  return `${mcpServerUrl}/mcp`;
}

/**
 * Where a sign-in may come back to the proxy, which listens on that port meanwhile. FusionAuth's `ExactMatch` compares the
 * port too, and hosts differ in the name of loopback and in the path: hence four.
 */
export function redirectUrls(callbackPort: number): string[] {
  const origins = ['localhost', '127.0.0.1'].map((host) => `http://${host}:${String(callbackPort)}`);
  return ['/oauth/callback', '/callback'].flatMap((path) => origins.map((origin) => `${origin}${path}`));
}

/** The scopes of our server's tools, each of the same name. */
export const toolScopes: readonly ScopeDescription[] = [
  {
    name: 'get_name',
    description: "Access the get_name tool to retrieve the authenticated user's name",
    consentMessage: 'Allow this application to read your name',
    consentDetail: 'This will share your display name with the requesting application.',
    required: true,
  },
  {
    name: 'set_greeting',
    description: 'Access the set_greeting tool to change how the authenticated user is greeted',
    consentMessage: 'Allow this application to change your greeting',
    consentDetail: 'This will let the requesting application choose the words with which you are greeted.',
    required: true,
  },
  {
    name: 'countdown',
    description: 'Access the countdown tool, which counts down to zero',
    consentMessage: 'Allow this application to count down for you',
    consentDetail:
      'This will let the requesting application keep the server counting for up to half a minute.',
    required: true,
  },
];

/** Those that a host asks for only when the tool is called. */
const laterScopes = ['set_greeting', 'countdown'];

/** A scope of which only the name is known, with texts of its own for one of our server's tools. */
export function scopeNamed(name: string): ScopeDescription {
  const known = toolScopes.find((scope) => scope.name === name);
  return (
    known ?? {
      name,
      description: `Access to what the MCP server guards with ${name}`,
      consentMessage: `Allow this application to use ${name}`,
      required: true,
    }
  );
}
