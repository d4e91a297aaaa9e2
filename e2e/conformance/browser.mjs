#!/usr/bin/env node
// The browser's part in a conformance scenario: opens the sign-in page and follows redirects, to the callback at the end.
// The suite's authorization server asks nothing of its user. What the last page says is for the proxy to decide.
const response = await globalThis.fetch(process.argv.at(-1));
await response.text();
