/**
 * Where the emulator is not as FusionAuth is, a sentence or two each, code in backticks: what `GET /` lists and the README has in
 * the same words.
 */
export const differences = [
  'One tenant. No admin UI, MFA, e-mail, lambdas, groups, entities or identity providers; themes are kept, without effect.',
  'The discovery document lists only the grants and response types that are here: no implicit or password grant.',
  'There is no client credentials grant, so none of its tokens to introspect; a device has no `deviceInfo` and no identity provider links.',
  'The device page asks for the password each time, whatever session there is, and `slow_down` is never answered.',
  'Members of applications, users and tenants that it does not know are kept and given back, without effect.',
  'Unless it is told otherwise it listens on loopback only, and then answers only requests addressed to `localhost`, `127.0.0.1` or `[::1]`, so that no web page elsewhere can reach it through a name of its own (DNS rebinding).',
  "A webhook's two timeouts are added up, its certificates ignored; further tries come after 250, 500 and 1,000 ms; webhooks have no say in `jwt.refresh`; events carry no `linkedObjectId`, no location.",
  'What FusionAuth leaves undocumented is our choice: the paths of the forms, the cookies, a code lifetime of 60 seconds, that a code used twice revokes what came of it (RFC 6749 section 4.1.2), that introspection needs no secret, and that approving a device of a third-party application grants the scopes of an access token of that application.',
] as const;
