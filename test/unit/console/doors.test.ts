import { describe, expect, test } from 'vitest';
import { Secret } from '../../../src/base/secret.ts';
import { deviceName } from '../../../src/console/device.ts';
import { checkPassword, hashPassword, isPassword } from '../../../src/console/password.ts';
import { entryMark, Sessions } from '../../../src/console/sessions.ts';
import { SignInLimit } from '../../../src/console/sign-in-limit.ts';
import { checkUserName, formatUsers, parseUsers } from '../../../src/console/user.ts';

const MINUTE_MS = 60_000;
const LINK = { kind: 'link' } as const;

function clockAt(startMs = 0): { now: () => Date; pass: (spanMs: number) => void } {
  let nowMs = startMs;
  return { now: () => new Date(nowMs), pass: (spanMs) => void (nowMs += spanMs) };
}

/** Bytes that differ each time, and by nothing else. */
function counting(): (bytes: number) => Buffer {
  let count = 0;
  return (bytes) => Buffer.alloc(bytes, (count += 1));
}

describe('sessions', () => {
  test('a session is found by its token and by no other, until somebody ends it', () => {
    const sessions = new Sessions(clockAt(), counting());
    const { token, session } = sessions.begin('asha', 'viewer', LINK);
    expect(sessions.find(token)).toEqual(expect.objectContaining({ user: 'asha', role: 'viewer', csrf: session.csrf }));
    expect(session.csrf).not.toBe(token);
    expect(sessions.find(`${token}x`)).toBeUndefined();
    expect(sessions.find('')).toBeUndefined();
    sessions.end(token);
    expect(sessions.find(token)).toBeUndefined();
  });

  test('somebody sees their own sessions and ends any of them, and nothing of anybody else', () => {
    const clock = clockAt(1000);
    const sessions = new Sessions(clock, counting());
    const place = { from: '192.0.2.7', device: 'Firefox on Linux' };
    const first = sessions.begin('asha', 'viewer', LINK, place);
    clock.pass(MINUTE_MS);
    const second = sessions.begin('asha', 'viewer', LINK);
    const stranger = sessions.begin('bob', 'viewer', LINK).token;
    // The same name by another door may be another person.
    sessions.begin('asha', 'operator', { kind: 'provider' });
    sessions.find(first.token);
    const own = sessions.ownOf(second.token);
    expect(own.map(({ isThis, from }) => [isThis, from])).toEqual([
      [true, '?'],
      [false, '192.0.2.7'],
    ]);
    const other = own[1];
    expect(other).toMatchObject({
      ...place,
      by: 'link',
      beganAt: new Date(1000),
      usedAt: new Date(1000 + MINUTE_MS),
      endsAt: first.session.endsAt,
    });
    expect(JSON.stringify(own)).not.toContain(first.token);
    sessions.endOwn(stranger, other?.id ?? '');
    expect(sessions.find(first.token)).toBeDefined();
    sessions.endOwn(second.token, other?.id ?? '');
    expect(sessions.find(first.token)).toBeUndefined();
    expect(sessions.ownOf(second.token)).toHaveLength(1);
    expect(sessions.ownOf('nobody')).toEqual([]);
  });

  test.each([
    ['Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', 'Firefox on Linux'],
    ['Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36 Edg/140.0', 'Edge on Windows'],
    ['Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) AppleWebKit/605.1.15 Version/18.0 Safari/605.1.15', 'Safari on macOS'],
    ['Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0.0.0 Mobile Safari/537.36', 'Chrome on Android'],
    ['curl/8.0', 'not a known browser'],
    [undefined, 'not a known browser'],
  ])('deviceName: %s', (userAgent, name) => expect(deviceName(userAgent)).toBe(name));

  test('one that nobody uses ends after half an hour; one in use after twelve, whatever is done', () => {
    const clock = clockAt();
    const sessions = new Sessions(clock, counting());
    const idle = sessions.begin('asha', 'viewer', LINK).token;
    clock.pass(30 * MINUTE_MS - 1);
    expect(sessions.find(idle, false)).toBeDefined();
    clock.pass(1);
    expect(sessions.find(idle)).toBeUndefined();
    const used = sessions.begin('asha', 'viewer', LINK).token;
    for (let minutes = 0; minutes < 12 * 60 - 20; minutes += 20) {
      clock.pass(20 * MINUTE_MS);
      expect(sessions.find(used)).toBeDefined();
    }
    clock.pass(20 * MINUTE_MS);
    expect(sessions.find(used)).toBeUndefined();
  });

  test('whoever was removed, or has another role or password, is out; the others stay, and those who came another way', () => {
    const sessions = new Sessions(clockAt(), counting());
    const users = ['asha', 'bert', 'cleo', 'dora'].map((name) => ({ name, role: 'viewer' as const, password: `scrypt$${name}` }));
    const tokens = users.map((user) => sessions.begin(user.name, user.role, { kind: 'password', mark: entryMark(user) }).token);
    const linked = sessions.begin('asha', 'operator', LINK).token;
    const vouched = sessions.begin('asha', 'operator', { kind: 'provider' }).token;
    expect(sessions.endChanged(users)).toEqual([]);
    const [, bert, cleo, dora] = users;
    const now = [{ ...bert, role: 'operator' }, { ...cleo, password: 'scrypt$new' }, dora].map((user) => ({ ...users[0], ...user }));
    expect(sessions.endChanged(now as typeof users).map(({ user }) => user)).toEqual(['asha', 'bert', 'cleo']);
    expect(tokens.map((token) => sessions.find(token)?.user)).toEqual([undefined, undefined, undefined, 'dora']);
    expect([sessions.find(linked)?.user, sessions.find(vouched)?.user]).toEqual(['asha', 'asha']);
  });

  test('a thousand more push out the oldest, not the newest', () => {
    const clock = clockAt();
    let count = 0;
    const sessions = new Sessions(clock, (bytes) => Buffer.from(String((count += 1)).padStart(bytes, '0')));
    const first = sessions.begin('asha', 'viewer', LINK).token;
    const later = Array.from({ length: 1000 }, () => sessions.begin('asha', 'viewer', LINK).token);
    expect(sessions.find(first)).toBeUndefined();
    expect(later.every((token) => sessions.find(token) !== undefined)).toBe(true);
  });
});

describe('the limit of sign-ins', () => {
  test('after five failures a name waits at that address, and nowhere else, until the first is a quarter of an hour old', () => {
    const clock = clockAt(1_000_000);
    const limit = new SignInLimit(clock);
    for (let index = 0; index < 5; index += 1) {
      expect(limit.waitMs('asha', '10.0.0.1')).toBe(0);
      limit.tried('asha', '10.0.0.1');
      clock.pass(MINUTE_MS);
    }
    expect(limit.waitMs('asha', '10.0.0.1')).toBe(10 * MINUTE_MS);
    expect(limit.waitMs('asha', '10.0.0.2')).toBe(0);
    expect(limit.waitMs('bela', '10.0.0.1')).toBe(0);
    clock.pass(10 * MINUTE_MS);
    expect(limit.waitMs('asha', '10.0.0.1')).toBe(0);
  });

  test('an address waits after twenty failures with any names, a name after a hundred from anywhere', () => {
    const limit = new SignInLimit(clockAt(1_000_000));
    for (let index = 0; index < 20; index += 1) limit.tried(`name${index}`, '10.0.0.1');
    expect(limit.waitMs('another', '10.0.0.1')).toBe(15 * MINUTE_MS);
    for (let index = 0; index < 100; index += 1) limit.tried('asha', `10.0.1.${index}`);
    expect(limit.waitMs('asha', '10.0.2.1')).toBe(15 * MINUTE_MS);
  });

  test('right passwords count for nothing, however many come from one address', () => {
    const limit = new SignInLimit(clockAt(1_000_000));
    for (let index = 0; index < 200; index += 1) {
      expect(limit.waitMs('asha', '10.0.0.1')).toBe(0);
      limit.tried('asha', '10.0.0.1');
      limit.succeeded('asha', '10.0.0.1');
    }
  });
});

describe('users and passwords', () => {
  test('a password is right only as it was, also written in another form of Unicode', async () => {
    const hashed = await hashPassword(new Secret('Zo\u00EB has a long one'), Buffer.alloc(16, 7));
    expect(hashed).toMatch(/^scrypt\$65536\$8\$1\$[\w-]{22}\$[\w-]{43}$/);
    expect(await isPassword(new Secret('Zoe\u0308 has a long one'), hashed)).toBe(true);
    expect(await isPassword(new Secret('zo\u00EB has a long one'), hashed)).toBe(false);
    await expect(isPassword(new Secret('x'), 'scrypt$1073741824$8$1$AAAA$AAAA')).rejects.toThrow('has another form');
  });

  test('short passwords and odd names are refused', () => {
    expect(() => checkPassword(new Secret('eleven char'))).toThrow('12 characters or more');
    for (const name of ['', '-x', 'a b', '<b>', '../x', 'a\n']) expect(() => checkUserName(name)).toThrow('is not a name');
    expect(checkUserName('asha.k@example.org')).toBe('asha.k@example.org');
  });

  test('a file of users is read back as it was written; a damaged one is refused, and says what to do', () => {
    const users = [{ name: 'asha', role: 'operator', password: 'scrypt$65536$8$1$a$b' }] as const;
    expect(parseUsers(formatUsers(users), 'users.json')).toEqual(users);
    for (const text of [
      '',
      '{}',
      '{"version":2,"users":[]}',
      formatUsers([...users, ...users]),
      formatUsers(users).replace('operator', 'root'),
    ])
      expect(() => parseUsers(text, 'users.json')).toThrow('users.json');
  });
});
