import { cleanLine } from '@mcp-keyhole/cli-kit';
import { check, type Check } from '../check.ts';
import type { Certificate } from '../facts.ts';

const fortnight = 14 * 24 * 3_600_000;

/** The certificates of those of the addresses that are https. */
export const certificateChecks: readonly Check[] = [
  check('certificate-refused', 'wrong', ['certificates'], ({ certificates }) =>
    certificates.flatMap((certificate) => {
      const { url, refusal } = certificate;
      if (refusal === undefined) return [];
      return {
        about: url,
        ...inWords(refusal, certificate),
        consequence: `No client and no server connects; the failure names ${cleanLine(refusal)}.`,
      };
    }),
  ),

  check('certificate-expires', 'warning', ['certificates'], ({ certificates }) =>
    certificates.flatMap(({ url, refusal, expiresAt }) =>
      refusal === undefined && expiresAt < Date.now() + fortnight
        ? {
            about: url,
            message: `Its certificate expires on ${dayOf(expiresAt)}.`,
            consequence: 'From then on nobody connects.',
            remedy: 'Renew it, and see to it that renewal runs by itself.',
          }
        : [],
    ),
  ),
];

/** What OpenSSL or Node says against a certificate, and what to do about it. */
function inWords(
  refusal: string,
  { url, expiresAt, names }: Certificate,
): { message: string; remedy: string } {
  const { hostname } = new URL(url);
  switch (refusal) {
    case 'CERT_HAS_EXPIRED':
      return {
        message: `Its certificate has expired, on ${dayOf(expiresAt)}.`,
        remedy:
          'Renew it, and see to it that renewal runs by itself. If that is in the future, set the clock of this machine.',
      };
    case 'CERT_NOT_YET_VALID':
      return {
        message: 'Its certificate is not valid yet.',
        remedy: 'Set the clock of this machine, and that of whoever issued the certificate.',
      };
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return {
        message: `Its certificate is for ${cleanLine(names.join(', ')) || 'nobody'}, not for ${hostname}.`,
        remedy: `Use an address that it is for, or install a certificate with ${hostname} among its names (subjectAltName).`,
      };
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
      return {
        message: `Its certificate is of an authority that this machine does not know (${refusal}).`,
        remedy:
          "Install the certificate of a public authority, with its intermediates. A company's own authority has to be given to each program: NODE_EXTRA_CA_CERTS=ca.pem for the server and for this tool, --ca-file ca.pem for the proxy.",
      };
    default:
      return {
        message: `Its certificate is not trusted on this machine (${cleanLine(refusal)}).`,
        remedy: 'Install a certificate of a public authority, with its intermediates.',
      };
  }
}

const dayOf = (time: number): string => new Date(time).toISOString().slice(0, 10);
