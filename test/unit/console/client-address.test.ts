import { expect, test } from 'vitest';
import { clientAddress, networkOf } from '../../../src/console/client-address.ts';

test.each([
  ['192.0.2.1', undefined, '192.0.2.1'],
  ['::ffff:192.0.2.1', undefined, '192.0.2.1'],
  ['10.0.0.1', '203.0.113.9', '203.0.113.9'],
  ['10.0.0.1', 'made-up, 203.0.113.9', '203.0.113.9'],
  ['10.0.0.1', '203.0.113.9:51234', '203.0.113.9'],
  ['10.0.0.1', '[2001:DB8:0:0::1]:443', '2001:db8::1'],
  ['10.0.0.1', 'unknown', '10.0.0.1'],
  ['10.0.0.1', '', '10.0.0.1'],
  [undefined, undefined, '?'],
])('from %s, forwarded for %s: it is %s who asks', (peer, forwarded, address) => {
  expect(clientAddress(peer, forwarded)).toBe(address);
});

test.each([
  ['192.0.2.1', '192.0.2.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['?', '?'],
])('%s belongs to %s', (address, network) => {
  expect(networkOf(address)).toBe(network);
});
