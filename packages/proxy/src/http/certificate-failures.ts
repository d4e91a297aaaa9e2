/** What OpenSSL says of a certificate that leads to no authority that is known here. */
const untrusted = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/** Whether a request failed because nobody here knows the authority of the server's certificate. */
export function isUntrustedCertificate(error: unknown): boolean {
  if (error instanceof AggregateError && error.errors.some(isUntrustedCertificate)) return true;
  if (!(error instanceof Error)) return false;
  return ('code' in error && untrusted.has(String(error.code))) || isUntrustedCertificate(error.cause);
}
