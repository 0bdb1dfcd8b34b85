import { isDbadminError } from '../../base/errors.ts';
import { seal, unseal, type SealedKind } from '../../repository/envelope.ts';
import { isFinding } from '../../repository/holds.ts';
import { gapPrefix, holdPrefix } from '../../repository/layout.ts';
import { copyLedgerEntry, ledgerPrefix } from '../../repository/ledger.ts';
import { requireAtKey } from '../../repository/object-at-key.ts';
import { reportPrefix } from '../../repository/reports.ts';
import type { Repository } from '../../repository/repository.ts';
import type { UncopiedList } from './uncopied-run.ts';

const MAX_OBJECT_BYTES = 64 * 1024 * 1024;

export interface SealedCopyOptions {
  readonly systemIdentifier: string;
  readonly uncopied: UncopiedList;
  /** Labels that stand for another backup in the destination. */
  readonly namesakes: ReadonlySet<string>;
  /** Whether holds, reports and records of gaps come along. The ledger and findings always do: a restore has to know what they say. */
  readonly everything: boolean;
}

/**
 * Copies holds, the ledger, and reports of drills and verifications that the destination has not got, sealed anew for it;
 * what cannot be read is passed over and told. Holds and drills of namesakes stay where they are: in the destination they would
 * be another backup's, and prove one that was never restored. A finding comes for those others that it calls wrong.
 */
export async function copySealed(
  from: Repository,
  to: Repository,
  { systemIdentifier, uncopied, namesakes, everything }: SealedCopyOptions,
): Promise<number> {
  const holds = holdPrefix(systemIdentifier);
  const places: readonly (readonly [prefix: string, kind: SealedKind])[] = [
    [holds, 'hold'],
    [ledgerPrefix(systemIdentifier), 'ledger'],
    [reportPrefix(systemIdentifier, 'drill'), 'drill'],
    [reportPrefix(systemIdentifier, 'verification'), 'verification'],
    [gapPrefix(systemIdentifier), 'gap'],
  ];
  let copied = 0;
  for (const [prefix, kind] of places) {
    const present = new Set<string>();
    for await (const { key } of to.store.list(prefix)) present.add(key);
    const missing: string[] = [];
    for await (const { key } of from.store.list(prefix)) {
      const isNamesakes = prefix === holds && !isFinding(key) && namesakes.has(key.slice(holds.length).split('/', 1)[0] ?? '');
      const isAsked = everything || kind === 'ledger' || (prefix === holds && isFinding(key));
      if (isAsked && !present.has(key) && !isNamesakes) missing.push(key);
    }
    for (const key of missing) {
      const isCopied = await uncopied.attempt(
        { kind: 'object', name: key, key },
        async () => await copyOne(from, to, { key, kind }, namesakes),
      );
      if (isCopied === true) copied += 1;
    }
  }
  return copied;
}

interface Placed {
  readonly key: string;
  /** What belongs there. What an object says that it is, is only asked whether it is that: anybody can write a letter. */
  readonly kind: SealedKind;
}

async function copyOne(from: Repository, to: Repository, { key, kind }: Placed, namesakes: ReadonlySet<string>): Promise<boolean> {
  try {
    // A password's verifier must not come where it would lie open.
    if (kind === 'ledger') await copyLedgerEntry(from, to, key);
    else {
      const unsealed = await unseal(from, kind, await from.store.read(key), key, MAX_OBJECT_BYTES);
      // In the destination nothing would ever take the place of another: there the true one could not come any more.
      requireAtKey(kind, unsealed, key);
      const { header, body } = unsealed;
      if (kind === 'drill' && namesakes.has(String(header['backup']))) return false;
      const told = isFinding(key) ? withoutNamesakes(header, namesakes) : header;
      if (told === undefined) return false;
      await to.store.create(key, await seal(to, kind, told, body));
    }
    return true;
  } catch (error) {
    if (!isDbadminError(error, 'storage-exists')) throw error;
    return false;
  }
}

/** What a finding says of backups other than namesakes; undefined where that is nothing. */
function withoutNamesakes<Header extends Readonly<Record<string, unknown>>>(
  header: Header,
  namesakes: ReadonlySet<string>,
): Header | undefined {
  const { label, wrong } = header;
  if (!Array.isArray(wrong)) return header;
  const others = wrong.filter((each) => !namesakes.has(String(each)));
  if (others.length === 0 && namesakes.has(String(label))) return undefined;
  return others.length === wrong.length ? header : { ...header, wrong: others };
}
