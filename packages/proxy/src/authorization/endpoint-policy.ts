import { BlockList, isIP } from 'node:net';
import { isLoopback } from '@mcp-keyhole/cli-kit';
import { errors } from '../errors.ts';

const privateRanges = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
] as const) {
  privateRanges.addSubnet(network, prefix, 'ipv4');
}
privateRanges.addSubnet('::', 127, 'ipv6');
privateRanges.addSubnet('fc00::', 7, 'ipv6');
privateRanges.addSubnet('fe80::', 10, 'ipv6');

/** Says which addresses a server may lead us to. */
export type EndpointPolicy = (what: string, address: string) => URL;

/**
 * Addresses that a server names (metadata, endpoints) must be https; http only on loopback, or where the user allowed
 * it. A server elsewhere may not point into this machine or a private network: that would let it reach, through us,
 * what it cannot reach itself (MCP security best practices, server-side request forgery).
 */
export function createEndpointPolicy(server: URL, allowHttp: boolean): EndpointPolicy {
  const near = isLoopback(server) || isPrivateAddress(server);
  return (what, address) => {
    if (!URL.canParse(address)) throw errors.insecureEndpoint(what, address, 'it is not a URL');
    const url = new URL(address);
    if (url.protocol !== 'https:' && url.protocol !== 'http:') {
      throw errors.insecureEndpoint(what, address, 'it is not a web address');
    }
    if (url.username !== '' || url.password !== '') {
      throw errors.insecureEndpoint(what, address, 'it holds a user name or password');
    }
    if (url.protocol === 'http:' && !isLoopback(url) && !allowHttp) {
      throw errors.insecureEndpoint(what, address, 'it is not https');
    }
    if (!near && (isLoopback(url) || isPrivateAddress(url))) {
      throw errors.insecureEndpoint(what, address, 'it points into this machine or a private network');
    }
    return url;
  };
}

function isPrivateAddress(url: URL): boolean {
  const host = url.hostname.replace(/^\[|\]$/gu, '');
  const version = isIP(host);
  if (version === 0) return false;
  return privateRanges.check(host, version === 4 ? 'ipv4' : 'ipv6');
}
