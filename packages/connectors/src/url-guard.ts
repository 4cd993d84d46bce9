import { type LookupAddress, type LookupAllOptions, lookup as systemLookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';

/** Where outgoing requests may go. The default is the public internet only. */
export type UrlPolicy = {
  /** Whether every private address is allowed. Default: false. */
  readonly allowPrivate?: boolean;
  /** Host names or IP addresses that may be private, as they stand in the URL. Default: none. */
  readonly allowedHosts?: readonly string[];
};

/** Looks up every address of a host name. */
export type AddressLookup = (
  hostname: string,
  options: LookupAllOptions,
  done: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/** Code of the error a guarded lookup ends with when an address is refused. */
export const ADDRESS_REFUSED = 'ADDRESS_REFUSED';

const V4: readonly (readonly [network: string, prefix: number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
];

/** IPv6 ranges that are not the public internet, and those that carry an IPv4 address inside (mapped, NAT64, 6to4, Teredo). */
const V6: readonly (readonly [network: string, prefix: number])[] = [
  ['::', 96],
  ['::ffff:0:0', 96],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001::', 32],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
];

/** Two lists: Node takes an IPv4 address for its mapped IPv6 form, so one list with `::ffff:0:0/96` would refuse every IPv4 address. */
const refusedV4 = new BlockList();
for (const [network, prefix] of V4) refusedV4.addSubnet(network, prefix, 'ipv4');
const refusedV6 = new BlockList();
for (const [network, prefix] of V6) refusedV6.addSubnet(network, prefix, 'ipv6');

/** Whether an IP address is outside the public internet: private, loopback, link-local, unspecified, multicast, mapped or reserved. */
export function isPrivateAddress(address: string): boolean {
  const [bare = ''] = address.split('%');
  const family = isIP(bare);
  if (family === 4) return refusedV4.check(bare, 'ipv4');
  return family !== 6 || refusedV6.check(bare, 'ipv6');
}

/**
 * Why a URL may not be called, in words that do not repeat it; `undefined` when it may. Names are checked only when they
 * are resolved, by `guardedLookup`: IP addresses never reach a lookup and are checked here.
 */
export function urlProblem(text: string, policy: UrlPolicy = {}): string | undefined {
  if (!URL.canParse(text)) return 'it is not an absolute URL';
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return 'its scheme is neither http nor https';
  if (url.username !== '' || url.password !== '') return 'it carries a user name or password';
  const host = hostOf(url);
  if (isIP(host) !== 0 && isPrivateAddress(host) && !mayBePrivate(host, policy)) {
    return 'its address is not on the public internet; list the host in allowedHosts if it may be called';
  }
  return undefined;
}

/** A lookup for `node:http` that refuses to connect when any address of the name is private and the policy does not allow it. */
export function guardedLookup(policy: UrlPolicy = {}, lookup: AddressLookup = systemLookup): LookupFunction {
  return (hostname, options, done) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return done(error, []);
      const refused = !mayBePrivate(hostname, policy) && addresses.some(({ address }) => isPrivateAddress(address));
      const [first] = addresses;
      if (refused || first === undefined) return done(refusal(), []);
      return options.all === true ? done(null, addresses) : done(null, first.address, first.family);
    });
  };
}

/**
 * The address to connect to for a host that is no URL: a name, an IP address, or the path of a socket, which counts as private.
 * Rejects with the code `ADDRESS_REFUSED` where the policy does not allow it.
 */
export function guardedAddress(host: string, policy: UrlPolicy = {}, lookup?: AddressLookup): Promise<string> {
  if (host.startsWith('/') || isIP(host) !== 0) {
    const isAllowed = mayBePrivate(host, policy) || (isIP(host) !== 0 && !isPrivateAddress(host));
    return isAllowed ? Promise.resolve(host) : Promise.reject(refusal());
  }
  return new Promise((resolve, reject) => {
    guardedLookup(policy, lookup)(host, {}, (error, address) => {
      if (error === null) resolve(String(address));
      else reject(error);
    });
  });
}

/** Host of a URL, without the brackets of an IPv6 address. */
function hostOf(url: URL): string {
  return url.hostname.replace(/^\[(.*)\]$/, '$1');
}

function mayBePrivate(host: string, policy: UrlPolicy): boolean {
  const name = host.toLowerCase();
  return policy.allowPrivate === true || (policy.allowedHosts ?? []).some((allowed) => allowed.toLowerCase() === name);
}

function refusal(): NodeJS.ErrnoException {
  return Object.assign(new Error('The address is not on the public internet.'), { code: ADDRESS_REFUSED });
}
