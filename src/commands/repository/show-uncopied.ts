import { sharesDamage, type Uncopied, type UncopiedKind } from '../../backup/sync/uncopied-run.ts';
import type { Output } from '../output.ts';

const SHOWN = 20;

const NAMES: Readonly<Record<UncopiedKind, string>> = {
  backup: 'backup',
  namesake: 'backup or dump',
  wal: 'WAL segment',
  history: 'timeline history',
  dump: 'dump',
  object: 'object',
};

/** What a copy left behind, and what can be done about it; `from` and `to` are names of repositories. */
export function showUncopied(
  output: Output,
  failed: readonly Uncopied[],
  { from, to }: { readonly from: string; readonly to: string },
): void {
  if (failed.length === 0) return;
  for (const { kind, name, problem } of failed.slice(0, SHOWN))
    output.line(output.style('bad', `  not copied ${NAMES[kind]} ${name}: ${problem}.`));
  if (failed.length > SHOWN) output.line(`             and ${failed.length - SHOWN} more (--json has them all)`);
  for (const sentence of advice(failed, from, to)) output.line(`             ${sentence}`);
}

function advice(failed: readonly Uncopied[], from: string, to: string): readonly string[] {
  const has = (...kinds: readonly UncopiedKind[]): boolean => failed.some(({ kind }) => kinds.includes(kind));
  return [
    `All else that was to be copied is in ${to}.`,
    ...(failed.every((each) => each.kind === 'namesake' || sharesDamage(each))
      ? []
      : [
          `What is damaged in ${from}, and what that costs: dbadmin backup verify --read-data --repository ${from}.`,
          `Where a third repository has it whole, dbadmin repository sync --from THAT --to ${to} brings it; this command tries again what it can.`,
        ]),
    ...(failed.some(sharesDamage)
      ? [
          `What is damaged in ${to}, and what that costs: dbadmin backup verify --read-data --repository ${to}. A new backup taken there, dbadmin backup run --type full --repository ${to}, does not rest on it.`,
          `Such backups of ${from} come when the damaged pack was moved out of ${to} (keep it: what else it holds is missing meanwhile), then dbadmin repository rebuild-index --repository ${to}, then this command again: it copies the content anew.`,
        ]
      : []),
    ...(has('namesake')
      ? [
          `Both of such a label restore, each from its own repository. One dbadmin backup run into both gives both the same backup: there is then none to copy. Dumps into both must not begin in the same second.`,
        ]
      : []),
    ...(has('backup', 'wal')
      ? [
          `Moments that need the missing WAL or backups cannot be restored from ${to}: take a new backup, dbadmin backup run --repository ${to}.`,
        ]
      : []),
    ...(has('dump')
      ? [
          `dbadmin backup dump --repository ${to} takes a new dump; one that a locked object is in the way of comes when the lock has ended.`,
        ]
      : []),
    ...(has('history')
      ? [`The server has the history files of its timelines in pg_wal: dbadmin wal push PATH --repository ${to} stores one.`]
      : []),
    ...(failed.some(({ name }) => name.includes('/ledger/'))
      ? [`A restore from ${to} would bring back what the missing ledger entry took away: see to it by hand after one.`]
      : []),
    ...(failed.some(({ name }) => name.includes('/holds/'))
      ? [`A hold that is missing in ${to} keeps nothing there: place it anew, dbadmin backup hold LABEL --repository ${to}.`]
      : []),
  ];
}
