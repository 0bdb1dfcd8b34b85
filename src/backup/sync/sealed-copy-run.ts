import { isDbadminError } from '../../base/errors.ts';
import { damaged, seal, SEALED_KINDS, unseal, type SealedKind } from '../../repository/envelope.ts';
import { holdPrefix } from '../../repository/layout.ts';
import { copyLedgerEntry, ledgerPrefix } from '../../repository/ledger.ts';
import { reportPrefix } from '../../repository/reports.ts';
import type { Repository } from '../../repository/repository.ts';
import type { UncopiedList } from './uncopied-run.ts';

const MAX_OBJECT_BYTES = 64 * 1024 * 1024;
const KIND_AT = 8;

/**
 * Copies holds, the ledger, and reports of drills and verifications that the destination has not got, sealed anew for it;
 * what cannot be read is passed over and told.
 */
export async function copySealed(from: Repository, to: Repository, systemIdentifier: string, uncopied: UncopiedList): Promise<number> {
  const prefixes = [
    holdPrefix(systemIdentifier),
    ledgerPrefix(systemIdentifier),
    reportPrefix(systemIdentifier, 'drill'),
    reportPrefix(systemIdentifier, 'verification'),
    `${systemIdentifier}/gaps/`,
  ];
  let copied = 0;
  for (const prefix of prefixes) {
    const present = new Set<string>();
    for await (const { key } of to.store.list(prefix)) present.add(key);
    const missing: string[] = [];
    for await (const { key } of from.store.list(prefix)) if (!present.has(key)) missing.push(key);
    for (const key of missing) {
      const isCopied = await uncopied.attempt({ kind: 'object', name: key, key }, async () => await copyOne(from, to, key));
      if (isCopied === true) copied += 1;
    }
  }
  return copied;
}

async function copyOne(from: Repository, to: Repository, key: string): Promise<boolean> {
  const bytes = Buffer.from(await from.store.read(key));
  const letter = bytes.toString('latin1', KIND_AT, KIND_AT + 1);
  const kind = (Object.keys(SEALED_KINDS) as SealedKind[]).find((each) => SEALED_KINDS[each] === letter);
  if (kind === undefined) throw damaged(key, `It holds an object of a kind that is not known: ${JSON.stringify(letter)}.`);
  try {
    // A password's verifier must not come where it would lie open.
    if (kind === 'ledger') await copyLedgerEntry(from, to, key);
    else {
      const { header, body } = await unseal(from, kind, bytes, key, MAX_OBJECT_BYTES);
      await to.store.create(key, await seal(to, kind, header, body));
    }
    return true;
  } catch (error) {
    if (!isDbadminError(error, 'storage-exists')) throw error;
    return false;
  }
}
