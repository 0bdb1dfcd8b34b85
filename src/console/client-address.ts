import { isIPv4, isIPv6 } from 'node:net';

/**
 * Who asks: the other end of the connection; behind a proxy the last of `x-forwarded-for`, which is the one that the proxy added
 * itself. What is no address there is not believed.
 */
export function clientAddress(peer: string | undefined, forwarded: string | undefined): string {
  return addressIn(forwarded?.split(',').at(-1)?.trim() ?? '') ?? addressIn(peer ?? '') ?? '?';
}

/** `192.0.2.1`, `192.0.2.1:5000`, `2001:db8::1`, `[2001:db8::1]:5000`, `::ffff:192.0.2.1`: without port and in one form each. */
function addressIn(text: string): string | undefined {
  const bare = /^\[(.+)\](?::\d+)?$/.exec(text)?.[1] ?? /^([\d.]+):\d+$/.exec(text)?.[1] ?? text;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(bare)?.[1] ?? bare;
  return isIPv4(mapped)
    ? mapped
    : isIPv6(mapped) && !mapped.includes('%')
      ? new URL(`http://[${mapped}]`).hostname.slice(1, -1)
      : undefined;
}

/** Where an address belongs: whoever has one of IPv6 has all 2⁶⁴ of its network, and counts as one. */
export function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  const [head = '', tail] = address.split('::');
  const first = head === '' ? [] : head.split(':');
  const missing = tail === undefined ? 0 : 8 - first.length - (tail === '' ? 0 : tail.split(':').length);
  const groups = [...first, ...Array.from({ length: missing }, () => '0'), ...(tail ?? '').split(':')];
  return `${groups.slice(0, 4).join(':')}::/64`;
}
