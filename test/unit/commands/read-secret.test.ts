import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { DbadminError } from '../../../src/base/errors.ts';
import type { Output } from '../../../src/commands/output.ts';
import { readUnseen } from '../../../src/commands/read-secret.ts';

/** A terminal that somebody types on; `raw` is what it was set to, in order. */
function terminal(): { readonly stdin: PassThrough; readonly raw: boolean[]; readonly notes: string[]; readonly output: Output } {
  const raw: boolean[] = [];
  const notes: string[] = [];
  const stdin = Object.assign(new PassThrough(), { isTTY: true, setRawMode: (mode: boolean) => raw.push(mode) });
  const output = { note: (text: string) => notes.push(text) } as unknown as Output;
  return { stdin, raw, notes, output };
}

const { signal } = new AbortController();

describe('a secret typed on a terminal', () => {
  it('is read up to Enter, with corrections, and the terminal does not show it', async () => {
    const { stdin, raw, notes, output } = terminal();
    const reading = readUnseen({ stdin, output, signal }, 'new passphrase');
    stdin.write('correct hoax');
    stdin.write('\u007F\u007Frse bätt');
    stdin.write('ery\r');
    expect((await reading)?.reveal()).toBe('correct horse bättery');
    expect(raw).toEqual([true, false]);
    expect(notes).toEqual(['new passphrase (nothing is shown):']);
  });

  it('is not asked for where there is no terminal', async () => {
    const { output, notes } = terminal();
    expect(await readUnseen({ stdin: new PassThrough(), output, signal }, 'new passphrase')).toBeUndefined();
    expect(notes).toEqual([]);
  });

  it.each([
    ['\u0003', 'interrupted'],
    ['\r', 'usage'],
  ])('%j gives %s, and the terminal is as before', async (typed, code) => {
    const { stdin, raw, output } = terminal();
    const reading = readUnseen({ stdin, output, signal }, 'new passphrase');
    stdin.write(typed);
    await expect(reading).rejects.toMatchObject({ code });
    expect(raw).toEqual([true, false]);
  });

  it('is waited for no longer when the command is to end, and the terminal is as before', async () => {
    const { stdin, raw, output } = terminal();
    const controller = new AbortController();
    const reading = readUnseen({ stdin, output, signal: controller.signal }, 'new passphrase');
    controller.abort(new DbadminError('interrupted', 'interrupted by SIGTERM'));
    await expect(reading).rejects.toMatchObject({ code: 'interrupted' });
    expect(raw).toEqual([true, false]);
    expect(stdin.listenerCount('data')).toBe(0);
  });
});
