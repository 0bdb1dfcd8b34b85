import { isIP } from 'node:net';

/** Where and how the console is reached: what a request must fit to be answered. */
export interface Reached {
  /** Names and addresses, without port, lower case, that a browser may have asked for. */
  readonly hosts: ReadonlySet<string>;
  /** `https` also behind a proxy that ends TLS. */
  readonly scheme: 'http' | 'https';
}

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];

/** The hosts that a console listening at `address` answers to, beside those that are named. */
export function answeringHosts(address: string, named: readonly string[]): ReadonlySet<string> {
  const own = isLoopback(address) ? LOOPBACK : isAnyAddress(address) ? [] : [bracketed(address)];
  return new Set([...own, ...named.map((name) => bracketed(name.toLowerCase()))]);
}

export function isLoopback(address: string): boolean {
  return address === 'localhost' || address === '::1' || /^127(?:\.\d{1,3}){3}$/.test(address);
}

function isAnyAddress(address: string): boolean {
  return address === '0.0.0.0' || address === '::' || address === '';
}

function bracketed(host: string): string {
  return isIP(host) === 6 ? `[${host}]` : host;
}

/**
 * Whether the `Host` of a request is one of ours. A page of somebody else whose name was made to lead to this address still
 * sends its own name here.
 */
export function isOurHost(header: string | undefined, { hosts }: Reached): boolean {
  if (header === undefined) return false;
  return hosts.has(header.toLowerCase().replace(/:\d+$/, ''));
}

/** Whether a request that changes something was made by our own page: its `Origin` is the host it was sent to. */
export function isOurOrigin(origin: string | undefined, host: string | undefined, { scheme }: Reached): boolean {
  return origin !== undefined && host !== undefined && origin.toLowerCase() === `${scheme}://${host.toLowerCase()}`;
}

/** What a browser is told with every answer. No script, style, picture or connection but our own, in nobody's frame. */
export function securityHeaders(scheme: 'http' | 'https'): Readonly<Record<string, string>> {
  return {
    'content-security-policy': [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "img-src 'self'",
      "font-src 'self'",
      "connect-src 'self'",
      "base-uri 'none'",
      "form-action 'self'",
      "frame-ancestors 'none'",
      "require-trusted-types-for 'script'",
      "trusted-types 'none'",
    ].join('; '),
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
    ...(scheme === 'https' ? { 'strict-transport-security': 'max-age=31536000' } : {}),
  };
}

/** The cookie of a session. A browser keeps `__Host-` ones from any other host and from plain http. */
export function cookieName(scheme: 'http' | 'https'): string {
  return scheme === 'https' ? '__Host-dbadmin' : 'dbadmin';
}

/** A cookie beside that of the session, for a moment of a sign-in. */
export function extraCookieName(scheme: 'http' | 'https', use: 'sign-in' | 'failed' | 'again'): string {
  return `${cookieName(scheme)}-${use}`;
}
