import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { Asking, type Ran } from '../../../src/console/asking.ts';
import { commandLine, question } from '../../../src/console/question.ts';

const QUESTIONS = [
  question({ name: 'size', parameters: z.strictObject({ of: z.string() }), words: ({ of }) => ['size', '--of', of] }),
  question({ name: 'kept', parameters: z.strictObject({}), words: () => ['kept'], keepMs: 1000 }),
  question({
    name: 'clone',
    parameters: z.strictObject({ of: z.string(), at: z.string().optional() }),
    words: ({ of, at }) => ['clone', of, ...(at === undefined ? [] : [at])],
    isCostly: ({ at }) => at !== undefined,
  }),
  question({ name: 'cut', parameters: z.strictObject({ names: z.string() }), words: ({ names }) => ['cut', ...names.split(',')] }),
];

class Runs {
  readonly begun: { readonly words: readonly string[]; readonly signal: AbortSignal; readonly end: (error?: Error) => void }[] = [];
  nowMs = 0;
  most = 0;
  #running = 0;

  readonly asking = new Asking(
    QUESTIONS,
    async (words, signal) => {
      this.#running += 1;
      this.most = Math.max(this.most, this.#running);
      try {
        return await new Promise<Ran>((resolve, reject) => {
          const number = this.begun.length;
          const end = (error?: Error): void =>
            error === undefined ? resolve({ exitStatus: 0, document: { number }, notes: [] }) : reject(error);
          signal.addEventListener('abort', () => reject(signal.reason as Error));
          this.begun.push({ words, signal, end });
        });
      } finally {
        this.#running -= 1;
      }
    },
    { now: () => new Date(this.nowMs) },
  );
}

const STAYS = new AbortController().signal;

test('Asking: who asks what is being asked shares the run, and who comes later gets one of their own', async () => {
  const runs = new Runs();
  const both = [runs.asking.ask('size', { of: 'a' }, STAYS), runs.asking.ask('size', { of: 'a' }, STAYS)];
  const other = runs.asking.ask('size', { of: 'b' }, STAYS);
  await sleep(0);
  expect(runs.begun.map(({ words }) => words.join(' '))).toEqual(['size --of a', 'size --of b']);
  for (const { end } of runs.begun) end();
  expect((await Promise.all([...both, other])).map(({ document }) => document)).toEqual([{ number: 0 }, { number: 0 }, { number: 1 }]);
  const later = runs.asking.ask('size', { of: 'a' }, STAYS);
  await sleep(0);
  runs.begun[2]?.end();
  expect(await later).toMatchObject({ command: 'dbadmin size --of a --json', exitStatus: 0, document: { number: 2 } });
});

test('Asking: a run that nobody waits for is stopped, and goes on while one does', async () => {
  const runs = new Runs();
  const [first, second] = [new AbortController(), new AbortController()];
  const asked = [first, second].map(async ({ signal }) => await runs.asking.ask('size', { of: 'a' }, signal).catch(() => 'gone'));
  await sleep(0);
  first.abort();
  await asked[0];
  expect(runs.begun[0]?.signal.aborted).toBe(false);
  second.abort();
  expect(await Promise.all(asked)).toEqual(['gone', 'gone']);
  expect(runs.begun[0]?.signal.aborted).toBe(true);
  const anew = runs.asking.ask('size', { of: 'a' }, STAYS);
  await sleep(0);
  runs.begun[1]?.end();
  expect((await anew).document).toEqual({ number: 1 });
});

test('Asking: no more than four run at once, one that is given up leaves its place, a failed one frees its own', async () => {
  const runs = new Runs();
  const gives = new AbortController();
  const asked = Array.from({ length: 9 }, async (_none, index) => {
    return await runs.asking.ask('size', { of: String(index) }, index === 5 ? gives.signal : STAYS).then(
      () => 'answered',
      () => 'failed',
    );
  });
  await sleep(0);
  expect(runs.begun).toHaveLength(4);
  gives.abort();
  for (let index = 0; index < 8; index += 1) {
    runs.begun[index]?.end(index === 2 ? new Error('broken') : undefined);
    await sleep(0);
  }
  expect(runs.begun.map(({ words }) => words[2])).toEqual(['0', '1', '2', '3', '4', '6', '7', '8']);
  expect((await Promise.all(asked)).filter((each) => each === 'answered')).toHaveLength(7);
  expect(runs.most).toBe(4);
});

test('Asking: an answer is kept as long as its question allows', async () => {
  const runs = new Runs();
  const ask = async (): Promise<unknown> => {
    const answer = runs.asking.ask('kept', {}, STAYS);
    await sleep(0);
    runs.begun.at(-1)?.end();
    const { document, freshForMs } = await answer;
    return [document, freshForMs];
  };
  expect(await ask()).toEqual([{ number: 0 }, undefined]);
  runs.nowMs = 400;
  // From before it was asked: the screen asks again when there can be another.
  expect(await ask()).toEqual([{ number: 0 }, 600]);
  runs.nowMs = 999;
  expect(await ask()).toEqual([{ number: 0 }, 1]);
  runs.nowMs = 1000;
  expect(await ask()).toEqual([{ number: 1 }, undefined]);
});

test('Asking: of what makes a server one runs at a time, and those that wait for it keep nobody else waiting', async () => {
  const runs = new Runs();
  const asked = ['a', 'b', 'c', 'd', 'e'].map(async (of) => await runs.asking.ask('clone', { of, at: 'then' }, STAYS));
  const others = [runs.asking.ask('size', { of: 'a' }, STAYS), runs.asking.ask('clone', { of: 'a' }, STAYS)];
  await sleep(0);
  expect(runs.begun.map(({ words }) => words.join(' ')).sort()).toEqual(['clone a', 'clone a then', 'size --of a']);
  for (let index = 0; index < 7; index += 1) {
    runs.begun[index]?.end();
    await sleep(0);
  }
  await Promise.all([...asked, ...others]);
  expect(runs.begun.slice(3).map(({ words }) => words[1])).toEqual(['b', 'c', 'd', 'e']);
});

test('Asking: who may not repeat what makes a server gets the answer of the last five minutes; who may, a new one', async () => {
  const runs = new Runs();
  const ask = async (mayRepeat: boolean): Promise<unknown> => {
    const answer = runs.asking.ask('clone', { of: 'a', at: 'then' }, STAYS, mayRepeat);
    await sleep(0);
    runs.begun.at(-1)?.end();
    return (await answer).document;
  };
  expect(await ask(false)).toEqual({ number: 0 });
  runs.nowMs = 299_999;
  expect(await ask(false)).toEqual({ number: 0 });
  expect(await ask(true)).toEqual({ number: 1 });
  expect(await ask(false)).toEqual({ number: 1 });
  runs.nowMs += 300_000;
  expect(await ask(false)).toEqual({ number: 2 });
});

test.each([
  [{ of: '--url' }, 'begins like an option'],
  [{ of: '-x' }, 'begins like an option'],
  [{ of: 'a\u0000b' }, 'control characters'],
  [{}, 'does not take'],
  [{ of: 'a', more: 'b' }, 'does not take'],
  [{ of: ['a', 'b'] }, 'does not take'],
])('question: %o is refused', (values, because) => {
  expect(() => QUESTIONS[0]?.words(values)).toThrow(because);
});

test('question: a value that is cut in pieces makes no option either', () => {
  expect(QUESTIONS[3]?.words({ names: 'a,b' })).toEqual(['cut', 'a', 'b']);
  expect(() => QUESTIONS[3]?.words({ names: 'a,--url=x' })).toThrow('came out of a value');
});

test('commandLine: what a shell would read otherwise is quoted', () => {
  expect(commandLine(['restore', '--to', '2026-11-21 14:03', "it's", '$(x)', '--at=7'])).toBe(
    String.raw`dbadmin restore --to '2026-11-21 14:03' 'it'\''s' '$(x)' --at=7`,
  );
});
