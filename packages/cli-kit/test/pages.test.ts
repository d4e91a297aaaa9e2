import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { html, page, pageHeaders } from '../src/index.ts';

describe('the html tag', () => {
  it('escapes what is put in and keeps what it made itself', () => {
    const inner = html`<b>${'<&>"\''}</b>`;
    expect(html`<p>${inner}${[inner, inner]}${undefined}${3}</p>`.text).toBe(
      `<p>${'<b>&lt;&amp;&gt;&quot;&#39;</b>'.repeat(3)}3</p>`,
    );
  });

  it('removes control characters, terminal sequences and bidirectional overrides', () => {
    expect(html`${'a\u0000b\u001b[31mc\u202Ed'}`.text).toBe('abcd');
  });
});

describe('a page', () => {
  const frame = { mark: '<mark>', footer: undefined, style: 'a { color: red > blue }' };

  it('allows its own style by its hash, and no other', () => {
    const text = page(frame, 'Title', html`<h1>Title</h1>`);
    const style = /<style>(?<style>.*)<\/style>/su.exec(text)?.groups?.['style'] ?? '';
    const hash = createHash('sha256').update(style).digest('base64');
    expect(pageHeaders(frame)['Content-Security-Policy']).toContain(`style-src 'sha256-${hash}';`);
  });

  it('escapes what stands around its content, and has a footer only where one is given', () => {
    const without = page(frame, '<b>', html`x`);
    expect(without).toContain('<title>&lt;b&gt;</title>');
    expect(without).toContain('<span>&lt;mark&gt;</span>');
    expect(without).not.toContain('<footer>');
    expect(page({ ...frame, footer: 'Below' }, '', html`x`)).toContain('<footer>Below</footer>');
  });

  it('lets its forms lead to its own origin and the given ones', () => {
    expect(pageHeaders(frame, ['http://localhost:3334'])['Content-Security-Policy']).toContain(
      "form-action 'self' http://localhost:3334;",
    );
  });
});
