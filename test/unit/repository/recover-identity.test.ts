import { describe, expect, test } from 'vitest';
import { DbadminError } from '../../../src/base/errors.ts';
import { seal } from '../../../src/repository/envelope.ts';
import { mendFlippedBit } from '../../../src/repository/flipped-bit.ts';
import { ensureClusterIdentity, readIdentity } from '../../../src/repository/identity.ts';
import { CLEAR } from '../../../src/repository/keys.ts';
import { IDENTITY_KEY } from '../../../src/repository/layout.ts';
import { inspectLost, newParts, writeRecovered } from '../../../src/repository/recover-identity.ts';
import { planRecovery, type LostIdentity } from '../../../src/repository/recover-plan.ts';
import { createMemoryStore } from '../../../src/storage/memory.ts';
import type { ObjectStore } from '../../../src/storage/store.ts';
import { withFaults } from '../../backup/failing-store.ts';
import { CLUSTER } from '../../backup/full-repository.ts';
import { ManualClock } from '../../backup/manual-clock.ts';
import { makeMemoryRepository } from '../../backup/memory-repository.ts';

const clock = new ManualClock();
const PARTS = { id: '1'.repeat(32), now: new Date('2026-11-22T00:00:00Z'), tool: 'test' };
const CHECK = 'a'.repeat(32);

/** A repository without encryption that knows one cluster. */
async function clear(store: ObjectStore): Promise<ObjectStore> {
  await ensureClusterIdentity(await makeMemoryRepository(false, store), CLUSTER);
  return store;
}

describe('writing a recovered identity', () => {
  test('a damaged one that the storage has locked stays, and it is said until when', async () => {
    const store = await clear(createMemoryStore(clock));
    await store.delete(IDENTITY_KEY);
    const until = new Date(clock.now().getTime() + 86_400_000);
    await store.create(IDENTITY_KEY, Buffer.from('damaged'), { lockUntil: until });
    const lost = await inspectLost(store, { kind: 'none' });
    expect(lost).toMatchObject({ state: 'damaged', mended: undefined });
    const plan = planRecovery(lost, newParts(clock, 'test'));
    await expect(writeRecovered(store, lost.state, plan)).rejects.toMatchObject({
      code: 'storage-locked',
      detail: expect.stringContaining(until.toISOString()),
    });
    expect(Buffer.from(await store.read(IDENTITY_KEY)).toString()).toBe('damaged');
  });

  test('one on a bad sector is damaged, and is replaced; storage that is away is not', async () => {
    const store = await clear(createMemoryStore());
    const faults = { sector: true, away: false };
    const failing = withFaults(store, ({ operation, key }) => {
      if (faults.away) throw new DbadminError('storage-failed', 'no route to host');
      if (faults.sector && operation === 'read' && key === IDENTITY_KEY) throw new DbadminError('storage-failed', 'input/output error');
    });
    const lost = await inspectLost(failing, { kind: 'none' });
    expect(lost.state).toBe('damaged');
    const cured = { ...failing, delete: async (key: string) => ((faults.sector = false), await store.delete(key)) };
    await writeRecovered(cured, lost.state, planRecovery(lost, PARTS));
    expect(await readIdentity(store)).toMatchObject({ id: PARTS.id, encryption: 'none' });
    faults.away = true;
    await expect(inspectLost(failing, { kind: 'none' })).rejects.toMatchObject({ code: 'storage-failed' });
  });

  test('one that somebody else wrote at the same moment stays, and is an error when it is of another key', async () => {
    const store = await clear(createMemoryStore());
    await store.delete(IDENTITY_KEY);
    const lost = await inspectLost(store, { kind: 'none' });
    const id = '2'.repeat(32);
    await writeRecovered(store, lost.state, planRecovery(lost, { ...PARTS, id }));
    expect(await writeRecovered(store, lost.state, planRecovery(lost, PARTS))).toMatchObject({ id });
    const { identity, ...plan } = planRecovery(lost, PARTS);
    const ofAnother = { ...plan, identity: { ...identity, keyCheck: CHECK } };
    await expect(writeRecovered(store, lost.state, ofAnother)).rejects.toMatchObject({ code: 'storage-exists' });
    expect((await readIdentity(store)).id).toBe(id);
  });

  test('one that is whole and of a newer version is neither recovered nor called damaged', async () => {
    const store = await clear(createMemoryStore());
    const { id } = await readIdentity(store);
    await store.delete(IDENTITY_KEY);
    await store.create(IDENTITY_KEY, await seal(CLEAR, 'identity', { format: 3, id }, Buffer.alloc(0)));
    await expect(inspectLost(store, { kind: 'none' })).rejects.toMatchObject({ code: 'repository-format' });
  });
});

describe('planRecovery', () => {
  const lost: LostIdentity = {
    description: '/srv/backup',
    state: 'missing',
    mended: undefined,
    given: 'passphrase',
    candidates: [{ check: CHECK, keyObject: 'b'.repeat(16) }],
    keyObjects: 1,
    damagedKeys: [],
    proofs: [{ key: '1/backups/a', kind: 'opened', check: CHECK }],
    oldest: new Date('2026-11-01T00:00:00Z'),
    knownId: undefined,
  };

  test('it was made when the oldest of its objects was, and never in the future', () => {
    expect(planRecovery(lost, PARTS).identity).toEqual({
      format: 2,
      id: PARTS.id,
      createdAt: '2026-11-01T00:00:00.000Z',
      tool: 'test',
      encryption: 'aes-256-gcm',
      keyCheck: CHECK,
    });
    const ahead = planRecovery({ ...lost, oldest: new Date('2026-12-01T00:00:00Z') }, PARTS);
    expect(ahead.identity.createdAt).toBe(PARTS.now.toISOString());
  });

  test('a mended identity that is of another key than the content is not believed', () => {
    const mended = {
      format: 2,
      id: '9'.repeat(32),
      createdAt: '',
      tool: '',
      encryption: 'aes-256-gcm',
      conditionalCreate: true,
    } as const;
    expect(planRecovery({ ...lost, mended: { ...mended, keyCheck: CHECK } }, PARTS).identity.id).toBe(mended.id);
    expect(planRecovery({ ...lost, mended: { ...mended, keyCheck: 'c'.repeat(32) } }, PARTS).identity.id).toBe(PARTS.id);
  });

  test('clear objects in an encrypted repository are named, and do not make it one without encryption', () => {
    const planted = { key: '1/backups/planted', kind: 'clear' } as const;
    expect(planRecovery({ ...lost, proofs: [...lost.proofs, planted] }, PARTS)).toMatchObject({
      identity: { encryption: 'aes-256-gcm' },
      strangers: [planted.key],
    });
  });

  test('an index that was rebuilt without the key is of this repository, and does not tell that it is not encrypted', () => {
    const index = { key: '1/indexes/a', kind: 'clear' } as const;
    const closed = { key: '1/backups/b', kind: 'closed' } as const;
    const proofs = [...lost.proofs, index];
    expect(planRecovery({ ...lost, proofs }, PARTS)).toMatchObject({ strangers: [], untrustedIndexes: [index.key] });
    const open = { ...lost, given: 'nothing', candidates: [] } as const;
    for (const [found, keyObjects] of [
      [[index, closed], 1],
      [[index, closed], 0],
      [[index], 1],
    ] as const)
      expect(() => planRecovery({ ...open, proofs: found, keyObjects }, PARTS)).toThrow(expect.objectContaining({ code: 'key-wrong' }));
    expect(planRecovery({ ...open, proofs: [index], keyObjects: 0 }, PARTS)).toMatchObject({
      identity: { encryption: 'none' },
      provenBy: [index.key],
      untrustedIndexes: [],
    });
  });

  test('a mended identity proves the key that it names where nothing else does', () => {
    const names = { format: 2, id: '9'.repeat(32), createdAt: '', tool: '', encryption: 'aes-256-gcm', conditionalCreate: true } as const;
    const mended = { ...names, keyCheck: CHECK };
    const emergency = { ...lost, given: 'emergency key', candidates: [{ check: CHECK, keyObject: undefined }] } as const;
    const two = { ...lost, candidates: [{ check: 'c'.repeat(32), keyObject: undefined }, ...lost.candidates] };
    for (const each of [emergency, two])
      for (const proofs of [[], [{ key: '1/backups/a', kind: 'damaged' }]] as const)
        expect(planRecovery({ ...each, mended, proofs }, PARTS)).toMatchObject({ identity: mended, provenBy: [] });
    expect(() => planRecovery({ ...emergency, mended: { ...names, keyCheck: 'd'.repeat(32) }, proofs: [] }, PARTS)).toThrow(
      expect.objectContaining({ code: 'repository-damaged' }),
    );
  });

  test('a key that opens nothing is told which objects under keys/ may be the one, and that nothing is encrypted where nothing is', () => {
    const none = { ...lost, candidates: [], keyObjects: 2, damagedKeys: ['keys/x'] };
    expect(() => planRecovery({ ...none, proofs: [{ key: '1/backups/a', kind: 'closed' }] }, PARTS)).toThrow(
      expect.objectContaining({ code: 'key-wrong', detail: 'Under keys/ are 2 objects. keys/x cannot be read and may be the one.' }),
    );
    expect(() => planRecovery({ ...none, proofs: [{ key: '1/backups/a', kind: 'clear' }] }, PARTS)).toThrow(
      expect.objectContaining({ code: 'repository-format' }),
    );
  });

  test('without a key it is taken for clear only when nothing is encrypted', () => {
    const open = { ...lost, given: 'nothing', candidates: [] } as const;
    const proof = { key: '1/backups/a', kind: 'clear' } as const;
    const closed = { key: '1/backups/b', kind: 'closed' } as const;
    const bad = { key: '1/backups/c', kind: 'damaged' } as const;
    expect(planRecovery({ ...open, proofs: [proof, bad] }, PARTS)).toMatchObject({
      identity: { encryption: 'none' },
      provenBy: [proof.key],
    });
    const refusals = [
      [[closed], 'key-wrong'],
      [[], 'key-wrong'],
      [[bad], 'key-wrong'],
      [[proof, closed], 'refused'],
    ] as const;
    for (const [proofs, code] of refusals)
      expect(() => planRecovery({ ...open, proofs }, PARTS)).toThrow(expect.objectContaining({ code }));
    expect(() => planRecovery({ ...open, keyObjects: 0, proofs: [bad] }, PARTS)).toThrow(
      expect.objectContaining({ code: 'repository-damaged' }),
    );
  });
});

test('a flipped bit is found wherever it is, and two are not', async () => {
  const whole = await seal(CLEAR, 'identity', { format: 2, id: 'e'.repeat(32) }, Buffer.alloc(0));
  const flip = (bytes: Buffer, bit: number): Buffer => {
    const copy = Buffer.from(bytes);
    copy.writeUInt8(copy.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
    return copy;
  };
  for (let bit = 0; bit < 8 * whole.byteLength; bit += 7) expect(mendFlippedBit(flip(whole, bit)), `bit ${bit}`).toEqual(whole);
  expect(mendFlippedBit(flip(flip(whole, 5), 300))).toBeUndefined();
  expect(mendFlippedBit(Buffer.alloc(0))).toBeUndefined();
});
