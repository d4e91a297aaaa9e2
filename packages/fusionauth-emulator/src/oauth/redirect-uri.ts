import type { Application } from '../store/types.ts';

/**
 * Whether the application may be sent to this URI. `ExactMatch` compares strings, port included; `AllowWildcards` lets
 * `*` in a registered URL stand for any characters of one host label or path segment.
 */
export function redirectUriAllowed(application: Application, redirectUri: string): boolean {
  const { authorizedRedirectURLs, authorizedURLValidationPolicy } = application.oauthConfiguration;
  if (authorizedRedirectURLs.includes(redirectUri)) return true;
  return (
    authorizedURLValidationPolicy === 'AllowWildcards' &&
    authorizedRedirectURLs.some(
      (pattern) => pattern.includes('*') && wildcardPattern(pattern).test(redirectUri),
    )
  );
}

function wildcardPattern(pattern: string): RegExp {
  const literal = (text: string): string => text.replace(/[.*+?^${}()|[\]\\/]/gu, '\\$&');
  return new RegExp(`^${pattern.split('*').map(literal).join('[^/?#:@]*')}$`, 'u');
}
