import { isDbadminError } from '../../base/errors.ts';
import { damaged, seal, SEALED_KINDS, unseal, type SealedKind } from '../../repository/envelope.ts';
import { isFinding } from '../../repository/audit-findings.ts';
import { holdPrefix } from '../../repository/layout.ts';
import { copyLedgerEntry, ledgerPrefix } from '../../repository/ledger.ts';
import { reportPrefix } from '../../repository/reports.ts';
import type { Repository } from '../../repository/repository.ts';
import type { UncopiedList } from './uncopied-run.ts';

const MAX_OBJECT_BYTES = 64 * 1024 * 1024;
const KIND_AT = 8;

export interface SealedCopyOptions {
  readonly systemIdentifier: string;
  readonly uncopied: UncopiedList;
  /** Labels that stand for another backup in the destination. */
  readonly namesakes: ReadonlySet<string>;
}

/**
 * Copies holds, the ledger, and reports of drills and verifications that the destination has not got, sealed anew for it;
 * what cannot be read is passed over and told. Holds and drills of namesakes stay where they are: in the destination they would
 * be another backup's, and prove one that was never restored. A finding comes for those others that it calls wrong.
 */
export async function copySealed(
  from: Repository,
  to: Repository,
  { systemIdentifier, uncopied, namesakes }: SealedCopyOptions,
): Promise<number> {
  const holds = holdPrefix(systemIdentifier);
  const prefixes = [
    holds,
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
    for await (const { key } of from.store.list(prefix)) {
      const isNamesakes = prefix === holds && !isFinding(key) && namesakes.has(key.slice(holds.length).split('/', 1)[0] ?? '');
      if (!present.has(key) && !isNamesakes) missing.push(key);
    }
    for (const key of missing) {
      const isCopied = await uncopied.attempt({ kind: 'object', name: key, key }, async () => await copyOne(from, to, key, namesakes));
      if (isCopied === true) copied += 1;
    }
  }
  return copied;
}

async function copyOne(from: Repository, to: Repository, key: string, namesakes: ReadonlySet<string>): Promise<boolean> {
  const bytes = Buffer.from(await from.store.read(key));
  const letter = bytes.toString('latin1', KIND_AT, KIND_AT + 1);
  const kind = (Object.keys(SEALED_KINDS) as SealedKind[]).find((each) => SEALED_KINDS[each] === letter);
  if (kind === undefined) throw damaged(key, `It holds an object of a kind that is not known: ${JSON.stringify(letter)}.`);
  try {
    // A password's verifier must not come where it would lie open.
    if (kind === 'ledger') await copyLedgerEntry(from, to, key);
    else {
      const { header, body } = await unseal(from, kind, bytes, key, MAX_OBJECT_BYTES);
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
