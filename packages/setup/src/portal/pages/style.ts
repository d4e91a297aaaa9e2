import { pageStyle } from '@mcp-keyhole/cli-kit';

/** The common look, wider, with what only the portal has: lists, choices, and configuration to copy. */
export const portalStyle = `${pageStyle}
body { justify-content: flex-start; padding-top: clamp(1rem, 8vh, 4rem); }
main { max-width: 46rem; }
.mark { flex-wrap: wrap; }
.mark .aside { margin-left: auto; display: flex; align-items: center; gap: .75rem; font-weight: 400; }
.mark .who { max-width: 18rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.small { flex: none; padding: .3rem .75rem; font-size: .85rem; font-weight: 550; }
.actions .button, .actions button { flex: 0 1 auto; min-width: 9rem; }
a.button { display: inline-block; }
a.button.plain { background: transparent; color: var(--ink); border-color: var(--edge); }
a.button:hover { filter: brightness(1.06); }
a.button.plain:hover { background: var(--ground); filter: none; }
button.danger { background: var(--bad); color: var(--card); }
select, input[type=number], textarea {
  width: 100%; padding: .7rem .85rem; font: inherit; color: inherit; background: var(--field);
  border: 1px solid var(--edge); border-radius: .6rem; margin-bottom: 1.1rem;
}
select { padding-right: 2rem; }
input[type=number] { max-width: 9rem; }
textarea {
  display: block; font: .85rem/1.55 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; background: var(--ground);
  border-color: var(--line); resize: vertical; margin: 0; tab-size: 2; field-sizing: content;
}
.field .why { color: var(--soft); font-size: .875rem; margin: -.7rem 0 1.1rem; }
.field .wrong { color: var(--bad); font-size: .9rem; font-weight: 550; margin: -.7rem 0 1.1rem; }
[aria-invalid=true] { border-color: var(--bad); }
.status { background: var(--accent-soft); border-radius: .6rem; padding: .75rem .9rem; margin-bottom: 1.25rem; }
ul.clients { list-style: none; margin: 0; padding: 0; border: 1px solid var(--line); border-radius: .75rem; }
ul.clients li { display: flex; flex-wrap: wrap; gap: .25rem 1rem; align-items: center; padding: .9rem 1rem; }
ul.clients li + li { border-top: 1px solid var(--line); }
ul.clients .what { flex: 1 1 14rem; min-width: 0; }
ul.clients .what a { font-weight: 600; }
ul.clients .why { display: block; color: var(--soft); font-size: .875rem; }
.choices { display: flex; flex-wrap: wrap; gap: .5rem; list-style: none; margin: 0 0 .75rem; padding: 0; }
.choices a { display: block; padding: .35rem .8rem; border: 1px solid var(--edge); border-radius: 2rem; font-size: .9rem;
  color: var(--ink); text-decoration: none; }
.choices a:hover { background: var(--ground); }
.choices a[aria-current] { background: var(--accent); border-color: var(--accent); color: var(--accent-ink); font-weight: 600; }
ol.steps { margin: 0; padding-left: 1.3rem; }
ol.steps > li { margin-bottom: 1.1rem; padding-left: .25rem; }
ol.steps p { margin: 0 0 .5rem; }
.back { display: inline-block; margin-bottom: 1rem; font-size: .9rem; }
.code { font-size: .85em; overflow-wrap: anywhere; }
details { margin-top: .75rem; }
details summary { cursor: pointer; font-weight: 550; font-size: .9rem; }
details textarea { margin-top: .5rem; }
.whole { white-space: nowrap; }
@media (max-width: 30rem) {
  body { padding-top: 1rem; }
  textarea { font-size: .75rem; padding: .6rem .7rem; }
  ol.steps { padding-left: 1.1rem; }
  .mark .aside { margin-left: 0; width: 100%; justify-content: space-between; }
  .actions .button, .actions button { flex: 1 1 auto; }
}
`;
