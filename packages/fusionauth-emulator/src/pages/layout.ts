import {
  page as framed,
  pageHeaders as framedHeaders,
  pageStyle,
  type Html,
  type PageFrame,
} from '@mcp-keyhole/cli-kit';

const frame: PageFrame = {
  mark: 'FusionAuth emulator',
  footer: 'A development stand-in for FusionAuth. Never enter a real password here.',
  style: pageStyle,
};

/** A whole page. It loads nothing and runs nothing. */
export function page(title: string, content: Html): string {
  return framed(frame, title, content);
}

/** The headers of a page; the client's redirect URI has to be among its form's targets, as `formTarget` has it. */
export function pageHeaders(formTargets: readonly string[] = []): Record<string, string> {
  return framedHeaders(frame, formTargets);
}

/** A redirect URI as a source of `form-action`: its origin, or the scheme of a native application. */
export function formTarget(redirectUri: string): string[] {
  if (!URL.canParse(redirectUri)) return [];
  const { origin, protocol } = new URL(redirectUri);
  return [origin === 'null' ? protocol : origin];
}
