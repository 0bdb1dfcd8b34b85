import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Alert, AlertEvent } from '../../../src/alerts/alert.ts';
import { mailSubject, mailText, messageOfEvent } from '../../../src/alerts/message.ts';
import { receiversOf, type Receiver } from '../../../src/alerts/receivers.ts';
import { parseState } from '../../../src/alerts/state.ts';
import { signatureHeaders } from '../../../src/alerts/webhook-run.ts';
import { Secret } from '../../../src/base/secret.ts';

const channel = { kind: 'webhook', url: new Secret('https://ops.example.org/x'), secret: undefined } as const;
const receiver = (name: string, policy: string | undefined, on: Receiver['on']): Receiver => ({
  name,
  policy,
  cluster: policy === undefined ? undefined : 'main',
  on,
  channel,
});
const RECEIVERS = [
  receiver('everything', undefined, ['failed', 'late', 'recovered']),
  receiver('shop-all', 'shop', ['failed', 'late', 'recovered']),
  receiver('shop-failed', 'shop', ['failed']),
  receiver('other-late', 'other', ['late', 'recovered']),
];

function event(kind: AlertEvent['event'], over: Partial<Alert> = {}): AlertEvent {
  const alert: Alert = {
    kind: 'backup-late',
    cluster: 'main',
    policy: null,
    subject: 'local',
    severity: 'late',
    phase: 'raised',
    since: '2026-11-21T12:00:00.000Z',
    badSince: '2026-11-21T11:00:00.000Z',
    what: 'the last backup in local is 27 h old',
    next: 'dbadmin backup run',
    sequence: 1,
    relapses: 0,
    settleMs: 0,
    ...over,
  };
  return { key: `${alert.kind}/main/local`, event: kind, at: '2026-11-21T12:00:00.000Z', alert };
}

test.each<[string, AlertEvent, readonly string[]]>([
  ['something of a cluster: the receivers of all its policies', event('raised'), ['everything', 'shop-all', 'other-late']],
  ['a failure: those who want failures', event('raised', { severity: 'failed' }), ['everything', 'shop-all', 'shop-failed']],
  ['something of a policy: its own receivers', event('raised', { policy: 'shop' }), ['everything', 'shop-all']],
  ['that it is over: those who were told and want to know', event('over', { severity: 'failed' }), ['everything', 'shop-all']],
  ['something of another cluster: who is told of everything', event('raised', { cluster: 'far' }), ['everything']],
  ['something of the project: everybody who wants that kind', event('raised', { cluster: null }), ['everything', 'shop-all', 'other-late']],
])('receivers: %s', (_what, told, names) => {
  expect(receiversOf(told, RECEIVERS)).toEqual(names);
});

test('receivers: an address that two policies name is told once', () => {
  expect(receiversOf(event('raised'), [receiver('same', 'shop', ['late']), receiver('same', 'other', ['late'])])).toEqual(['same']);
});

test('messages: say what and what to do, the same id whenever they are sent, another when it is over', () => {
  const raised = messageOfEvent(event('raised'), 'shop');
  const over = messageOfEvent(event('over', { sequence: 2 }), 'shop');
  expect(raised.text).toBe('LATE shop, main: the last backup in local is 27 h old\nNext: dbadmin backup run');
  expect(over.text).toBe('OVER after 1 h shop, main: the last backup in local is 27 h old');
  expect(raised.id).toBe(messageOfEvent(event('raised'), 'shop').id);
  expect(new Set([raised.id, over.id, messageOfEvent(event('raised'), 'other').id]).size).toBe(3);
  expect(mailText(raised)).toContain('What to do next:\ndbadmin backup run\n');
});

test('messages: a mail has one line of subject whatever it tells', () => {
  const message = messageOfEvent(event('raised', { what: `job x failed: a\r\nBcc: y@example.org ${'z'.repeat(300)}` }), 'shop');
  expect(mailSubject(message)).toMatch(/^[^\r\n]{1,180}$/);
});

test('webhooks: the signature is the HMAC of id, time and body, with the secret as it is or in base64', () => {
  const now = new Date('2026-11-21T12:00:00.900Z');
  const key = Buffer.from('0123456789abcdef');
  const sign = (secret: Buffer): string => `v1,${createHmac('sha256', secret).update('id-1.1795262400.{}').digest('base64')}`;
  expect(signatureHeaders(new Secret(`whsec_${key.toString('base64')}`), 'id-1', now, '{}')).toEqual({
    'webhook-id': 'id-1',
    'webhook-timestamp': '1795262400',
    'webhook-signature': sign(key),
  });
  expect(signatureHeaders(new Secret('plain'), 'id-1', now, '{}')['webhook-signature']).toBe(sign(Buffer.from('plain')));
  expect(signatureHeaders(undefined, 'id-1', now, '{}')['webhook-signature']).toBeUndefined();
});

test.each([
  ['no JSON', '{', /not JSON/],
  ['a newer form', '{"version":2,"alerts":{},"outbox":[]}', /not a state of alerts that this dbadmin knows/],
  ['something else', '[]', /holds no state/],
])('state: a file that holds %s is refused, so that nobody is told everything anew by mistake', (_what, text, problem) => {
  expect(() => parseState(text, 'alerts.json')).toThrow(problem);
});
