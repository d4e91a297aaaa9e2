import type { Request } from 'express';

/** The token of `Authorization: Bearer …` (older FusionAuth clients write `JWT …`). */
export function bearerToken(request: Request): string | undefined {
  const header = request.get('authorization') ?? '';
  return /^(?:bearer|jwt) +(?<token>[A-Za-z0-9._~+/=-]+)$/iu.exec(header)?.groups?.['token'];
}

/** The token of `Authorization: DPoP …` (RFC 9449 section 7.1). */
export function dpopToken(request: Request): string | undefined {
  const header = request.get('authorization') ?? '';
  return /^dpop +(?<token>[A-Za-z0-9._~+/=-]+)$/iu.exec(header)?.groups?.['token'];
}
