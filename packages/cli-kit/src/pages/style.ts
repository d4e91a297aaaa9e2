/** The look that all pages share, light and dark, from 360 px up. It stands inline in each: no page loads anything. */
export const pageStyle = `
:root {
  color-scheme: light dark;
  --ground: #f4f5f7; --card: #ffffff; --ink: #1a1f2b; --soft: #5b6475; --line: #dfe3ea; --field: #ffffff; --edge: #868fa1;
  --accent: #2f5bd7; --accent-ink: #ffffff; --accent-soft: #e9effc; --bad: #b3261e; --bad-soft: #fdecea;
  --note: #7a4d00; --note-soft: #fff4dc; --shadow: 0 1px 2px rgb(16 24 40 / 6%), 0 12px 32px rgb(16 24 40 / 10%);
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #10131a; --card: #1a1f2a; --ink: #eceff5; --soft: #a3adbf; --line: #313a4a; --field: #12161f; --edge: #6f7a8f;
    --accent: #8aabff; --accent-ink: #0c1630; --accent-soft: #23304f; --bad: #ffb4ab; --bad-soft: #3a1c1a;
    --note: #f5cf82; --note-soft: #332812; --shadow: 0 12px 32px rgb(0 0 0 / 45%);
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0; min-height: 100vh; display: flex; flex-direction: column; align-items: center; justify-content: center;
  gap: 1.25rem; padding: 2rem 1rem; background: var(--ground); color: var(--ink);
  font: 400 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", sans-serif;
}
main {
  width: 100%; max-width: 27rem; background: var(--card); border: 1px solid var(--line); border-radius: 1rem;
  padding: 2rem; box-shadow: var(--shadow); overflow-wrap: anywhere;
}
.mark { display: flex; align-items: center; gap: .6rem; margin-bottom: 1.5rem; font-weight: 600; color: var(--soft);
  font-size: .9rem; }
.mark svg { flex: none; color: var(--accent); }
h1 { margin: 0 0 .35rem; font-size: 1.5rem; line-height: 1.25; font-weight: 650; letter-spacing: -.01em; }
h2 { margin: 1.5rem 0 .5rem; font-size: .95rem; font-weight: 600; }
p { margin: 0 0 1rem; }
.lead { color: var(--soft); margin-bottom: 1.5rem; }
.lead strong { color: var(--ink); font-weight: 600; }
label { display: block; font-weight: 550; font-size: .9rem; margin-bottom: .35rem; }
input[type=text], input[type=password] {
  width: 100%; padding: .7rem .85rem; font: inherit; color: inherit; background: var(--field);
  border: 1px solid var(--edge); border-radius: .6rem; margin-bottom: 1.1rem;
}
input[type=checkbox] { width: 1.1rem; height: 1.1rem; margin: .2rem 0 0; accent-color: var(--accent); flex: none; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.check { display: flex; gap: .6rem; align-items: flex-start; font-weight: 400; font-size: .95rem; margin: 0 0 1.4rem; }
.actions { display: flex; gap: .75rem; margin-top: 1.5rem; }
button, .button {
  flex: 1; padding: .75rem 1rem; font: inherit; font-weight: 600; border-radius: .6rem; cursor: pointer;
  border: 1px solid transparent; background: var(--accent); color: var(--accent-ink); text-align: center;
  text-decoration: none;
}
button:hover { filter: brightness(1.06); }
button.plain { background: transparent; color: var(--ink); border-color: var(--edge); }
button.plain:hover { background: var(--ground); filter: none; }
.alert { background: var(--bad-soft); color: var(--bad); border-radius: .6rem; padding: .75rem .9rem; font-size: .95rem;
  margin-bottom: 1.25rem; }
.hint { background: var(--accent-soft); border-radius: .6rem; padding: .75rem .9rem; font-size: .9rem;
  margin: 1.25rem 0 0; }
ul.scopes { list-style: none; margin: 0; padding: 0; border: 1px solid var(--line); border-radius: .75rem; }
ul.scopes li { padding: .8rem .9rem; }
ul.scopes li + li { border-top: 1px solid var(--line); }
ul.scopes label, ul.scopes .fixed { display: flex; gap: .7rem; align-items: flex-start; margin: 0; font-weight: 400;
  font-size: .95rem; }
ul.scopes .tick { flex: none; width: 1.1rem; height: 1.1rem; margin-top: .2rem; color: var(--accent); }
ul.scopes .what { font-weight: 550; display: block; }
ul.scopes .why { color: var(--soft); font-size: .875rem; display: block; }
.tag { color: var(--soft); font-size: .75rem; font-weight: 500; border: 1px solid var(--line); border-radius: 1rem;
  padding: .05rem .5rem; margin-left: .35rem; white-space: nowrap; vertical-align: .08em; }
.facts { display: grid; grid-template-columns: auto 1fr; gap: .3rem .9rem; margin: 1.1rem 0 0; font-size: .9rem; }
.facts dt { color: var(--soft); }
.facts dd { margin: 0; }
ul.points { margin: 0; padding-left: 1.2rem; font-size: .9rem; }
ul.points li { margin-bottom: .5rem; }
code, pre { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; font-size: .85em; }
pre { margin: 1rem 0 0; padding: .9rem; background: var(--ground); border: 1px solid var(--line); border-radius: .6rem;
  white-space: pre-wrap; overflow-wrap: anywhere; }
a { color: var(--accent); }
footer { max-width: 34rem; text-align: center; font-size: .8rem; color: var(--note); background: var(--note-soft);
  border-radius: 2rem; padding: .4rem 1rem; }
@media (max-width: 30rem) {
  body { justify-content: flex-start; padding: 1rem .75rem; }
  main { padding: 1.5rem 1.25rem; }
  .actions { flex-direction: column; }
  footer { border-radius: 1rem; }
}
`;
