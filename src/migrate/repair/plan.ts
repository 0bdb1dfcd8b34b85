import { DbadminError } from '../../base/errors.ts';
import { diffLines } from '../files/diff.ts';
import { sortKey } from '../files/names.ts';
import type { Observed } from '../plan.ts';
import type { DecisionRow } from '../history/repair-rows.ts';

/** What somebody decided about one version. */
export interface Repair {
  readonly kind: 'accept' | 'forget' | 'undone';
  readonly version: string;
}

export interface PlannedRepair {
  readonly row: DecisionRow;
  /** One sentence: what is so afterwards. */
  readonly outcome: string;
  /** Lines of what is accepted; empty for the others. */
  readonly diff: readonly string[];
}

/**
 * The row that makes a decision true. It never changes the database itself.
 *
 * @throws {DbadminError} `refused` when the history and the files do not call for it.
 */
export function planRepair(repair: Repair, observed: Observed): PlannedRepair {
  switch (repair.kind) {
    case 'accept':
      return planAccept(repair.version, observed);
    case 'forget':
      return planForget(repair.version, observed);
    case 'undone':
      return planUndone(repair.version, observed);
  }
}

function planAccept(version: string, observed: Observed): PlannedRepair {
  const row = appliedRow(version, observed);
  const found = fileOf(version, observed);
  if (found === undefined) {
    throw new DbadminError('refused', `version ${version} has no file whose text could be accepted`, {
      hint: `Get the file back from git, or strike the version out: dbadmin migrate repair --forget ${version} -- REASON`,
    });
  }
  if (row.sha256 === found.file.sha256) {
    throw new DbadminError('refused', `${found.file.path} is the text that was applied: there is nothing to accept`);
  }
  const { name, file } = found;
  return {
    row: { kind: 'repair', version: row.version ?? version, name: name.file, sha256: file.sha256, body: file.text },
    outcome: `${file.path} as it is now counts as what was applied; nothing of it is run`,
    diff: diffLines(observed.storedBodies.get(row.version ?? '') ?? '', file.text),
  };
}

function planForget(version: string, observed: Observed): PlannedRepair {
  const row = appliedRow(version, observed);
  const found = fileOf(version, observed);
  if (found !== undefined) {
    throw new DbadminError('refused', `${found.file.path} is there: a version is forgotten when its file is gone`, {
      detail: 'Forgotten, it would be pending and run again.',
      hint: 'To take back what it did: dbadmin migrate down. To run it again: dbadmin migrate redo.',
    });
  }
  if (observed.unread.has(sortKey(version))) {
    throw new DbadminError('refused', `the file of ${row.name} is there and cannot be read: a version is forgotten when its file is gone`, {
      hint: 'dbadmin migrate validate says what is wrong with it.',
    });
  }
  return {
    row: { kind: 'down', version: row.version ?? version, name: row.name, sha256: row.sha256, body: '' },
    outcome: `version ${version} no longer counts as applied; what it made stays in the database`,
    diff: [],
  };
}

function planUndone(version: string, observed: Observed): PlannedRepair {
  const key = [...observed.history.begun.keys()].find((each) => sortKey(each) === sortKey(version));
  const begun = key === undefined ? undefined : observed.history.begun.get(key);
  if (key === undefined || begun === undefined) {
    const others = [...observed.history.begun.keys()];
    throw new DbadminError('refused', `version ${version} is not a file that a run began and did not finish`, {
      detail: others.length === 0 ? 'There is no such file at all.' : `Begun are ${others.join(', ')}.`,
    });
  }
  const found = fileOf(version, observed);
  return {
    row: {
      kind: 'down',
      version: key,
      name: found?.name.file ?? key,
      sha256: found?.file.sha256 ?? [...begun.values()][0]?.sha256 ?? '',
      body: '',
    },
    outcome: `version ${key} begins again at its first statement; ${begun.size} of its statements counted as run or begun`,
    diff: [],
  };
}

function appliedRow(version: string, { history }: Observed): NonNullable<ReturnType<Observed['history']['applied']['get']>> {
  const row = [...history.applied.values()].find((each) => sortKey(each.version ?? '') === sortKey(version));
  if (row !== undefined) return row;
  throw new DbadminError('refused', `version ${version} is not applied here`, {
    hint: 'See dbadmin migrate status --all.',
  });
}

function fileOf(version: string, { migrations }: Observed): Observed['migrations'][number] | undefined {
  return migrations.find(({ name }) => sortKey(name.version) === sortKey(version));
}
