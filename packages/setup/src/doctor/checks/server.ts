import { cleanLine } from '@mcp-keyhole/cli-kit';
import { resourceOf } from '../../clients/client.ts';
import { check, type Check } from '../check.ts';
import { crossOriginChecks } from './cross-origin.ts';
import { isOwnIssuer } from './tenant.ts';

export const serverChecks: readonly Check[] = [
  check('metadata-missing', 'wrong', ['metadataFailure'], (seen, { mcpServerUrl = '' }) => {
    const { metadataFailure, certificates = [] } = seen;
    if (certificates.some(({ url, refusal }) => url === mcpServerUrl && refusal !== undefined))
      return undefined;
    return {
      about: `server ${mcpServerUrl}`,
      message: `Its protected resource metadata cannot be had: ${cleanLine(metadataFailure)}.`,
      consequence: 'Clients do not learn where to sign in (RFC 9728).',
      remedy: 'Start the server, or name its address with --mcp-server-url, without /mcp.',
    };
  }),

  check('metadata-resource', 'wrong', ['metadata'], ({ metadata }, { mcpServerUrl = '' }) => {
    const resource = resourceOf(mcpServerUrl);
    if (metadata.resource === resource) return undefined;
    return {
      about: `server ${mcpServerUrl}`,
      message: `Its metadata is of the resource ${cleanLine(metadata.resource ?? 'nothing')}, not ${resource}.`,
      consequence: 'Clients refuse it (RFC 9728, section 3.3); Keyhole says resource-mismatch.',
      remedy: `Start the server with MCP_SERVER_URL=${mcpServerUrl}, the address that clients use.`,
    };
  }),

  check('metadata-issuer', 'wrong', ['metadata', 'discovery'], ({ metadata, discovery }, question) => {
    // An issuer that is wrong itself is a finding of its own; the server need not follow it there.
    const issuer = isOwnIssuer(discovery.issuer, question) ? discovery.issuer : question.publicUrl;
    if (metadata.authorizationServers.includes(issuer)) return undefined;
    const named = metadata.authorizationServers.map((url) => cleanLine(url)).join(', ');
    return {
      about: `server ${question.mcpServerUrl ?? ''}`,
      message: `Its metadata names ${named === '' ? 'no authorization server' : named}, not exactly ${issuer}.`,
      consequence:
        'Clients look for the authorization server elsewhere, or refuse its issuer; the server refuses the iss of every token.',
      remedy: `Start the server with FUSIONAUTH_EXTERNAL_URL=${issuer}, letter by letter, without a slash at its end.`,
    };
  }),

  check('binding-impossible', 'wrong', ['metadata', 'discovery'], ({ metadata, discovery }, question) => {
    if (!metadata.requiresProof || discovery.proofAlgorithms.length > 0) return undefined;
    return {
      about: `server ${question.mcpServerUrl ?? ''}`,
      message:
        'It takes only tokens that are bound to a key (DPoP), and FusionAuth does not announce that it issues such.',
      consequence: 'No client can sign in; Keyhole says binding-impossible.',
      remedy:
        'FusionAuth has DPoP from 1.63 on, in its Enterprise edition: update or license it, or start the server without DPOP=require.',
    };
  }),

  ...crossOriginChecks,
];
