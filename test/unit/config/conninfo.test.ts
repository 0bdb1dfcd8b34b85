import { expect, test } from 'vitest';
import { DbadminError } from '../../../src/base/errors.ts';
import { parseConninfo } from '../../../src/config/conninfo.ts';

test.each([
  ['postgresql://', {}],
  ['postgres://localhost', { host: 'localhost' }],
  ['postgresql://u@h:5433/d', { user: 'u', host: 'h', port: '5433', dbname: 'd' }],
  ['postgresql://u:s%2Fe%40c@h/d', { user: 'u', password: 's/e@c', host: 'h', dbname: 'd' }],
  ['postgresql://a,b:6000/d', { host: 'a,b', port: ',6000', dbname: 'd' }],
  ['postgresql://[2001:db8::1]:77/d', { host: '2001:db8::1', port: '77', dbname: 'd' }],
  ['postgresql://%2Fvar%2Frun%2Fpostgresql/d', { host: '/var/run/postgresql', dbname: 'd' }],
  ['postgresql:///d?host=/tmp&port=6543', { host: '/tmp', port: '6543', dbname: 'd' }],
  [
    'postgresql://h/d?sslmode=verify-full&application_name=a%20b',
    { host: 'h', dbname: 'd', sslmode: 'verify-full', application_name: 'a b' },
  ],
  ['postgresql://h/d?ssl=true', { host: 'h', dbname: 'd', sslmode: 'require' }],
  ['host=h port=1 dbname=d', { host: 'h', port: '1', dbname: 'd' }],
  [String.raw`host = 'my host' password='it\'s' user=a\ b`, { host: 'my host', password: "it's", user: 'a b' }],
])('%s is read as libpq reads it', (text, settings) => {
  expect(parseConninfo(text)).toEqual(settings);
});

test.each([
  ['postgresql://u:hunter2@h:port/d', /port in the connection URL is not a number/],
  ['postgresql://u:hunter2/x@h/d', /port in the connection URL is not a number/],
  ['postgresql://u:hunter2%zz@h/d', /begins no percent-encoded character/],
  ['postgresql://u:hunter2@h/d?sslmod=require', /"sslmod" is not a connection setting.*did you mean "sslmode"/],
  ['postgresql://u:hunter2@h/d?sslmode', /"sslmode" of the connection URL has no value/],
  ['password=hunter2 nonsense', /cannot be read/],
  ['mysql://u:hunter2@h/d', /cannot be read/],
  ['', /cannot be read/],
])('%s is refused without quoting the password', (text, message) => {
  const refusal = refusalOf(() => parseConninfo(text));
  expect(refusal.code).toBe('config-invalid');
  expect(refusal.message).toMatch(message);
  expect(`${refusal.message} ${refusal.detail} ${refusal.hint}`).not.toContain('hunter2');
});

function refusalOf(action: () => unknown): DbadminError {
  try {
    action();
  } catch (error) {
    if (error instanceof DbadminError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}
