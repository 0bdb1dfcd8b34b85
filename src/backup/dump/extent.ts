import type { DumpManifest, LeftOutDatabase, Obstacle } from './manifest.ts';

/**
 * What a dump brings back of its databases: all that is in them; a part, which is definitions without rows or single tables; or nobody
 * wrote it down.
 */
export type DumpExtent = 'whole' | 'part' | 'unrecorded';

export function extentOf({ selection }: Pick<DumpManifest, 'selection'>): DumpExtent {
  if (selection === undefined) return 'unrecorded';
  return selection.schemaOnly || selection.tables.length > 0 ? 'part' : 'whole';
}

/** A database that should have been in a dump and is not. */
export interface MissedDatabase extends LeftOutDatabase {
  readonly reason: Obstacle;
}

/** Those that were asked for and could not be dumped. */
export function missedBy({ leftOut }: Pick<DumpManifest, 'leftOut'>): readonly MissedDatabase[] {
  return (leftOut ?? []).filter((each): each is MissedDatabase => each.reason in OBSTACLES);
}

const OBSTACLES: Readonly<Record<Obstacle, string>> = {
  'no-privilege': 'the role may not connect to it',
  'no-connections': 'it takes no connections',
  'drop-interrupted': 'its DROP DATABASE was interrupted',
};

/** `it takes no connections`. */
export function describeObstacle(reason: Obstacle): string {
  return OBSTACLES[reason];
}

/** What a dump is, in lines: what it holds, and which databases are missing in it. */
export function describeDump(manifest: Pick<DumpManifest, 'selection' | 'leftOut' | 'databases'>): readonly string[] {
  const missed = missedBy(manifest).map(({ database, reason }) => `could not be dumped: ${database}, for ${OBSTACLES[reason]}`);
  const others = (['excluded', 'not-asked'] as const).flatMap((reason) => {
    const names = (manifest.leftOut ?? []).flatMap((each) => (each.reason === reason ? [each.database] : []));
    return names.length === 0 ? [] : [`${reason === 'excluded' ? 'excluded' : 'not asked for'}: ${names.join(', ')}`];
  });
  return [describeContent(manifest), ...missed, ...others];
}

function describeContent({ selection, databases }: Pick<DumpManifest, 'selection' | 'databases'>): string {
  if (selection === undefined) return 'the dbadmin that took it wrote down no selection: it may hold definitions or single tables only';
  const names = databases.map(({ database }) => database).join(', ');
  const rows = selection.schemaOnly ? 'definitions without any rows' : 'rows and definitions';
  if (selection.tables.length > 0) return `a part: ${rows} of only the tables ${selection.tables.join(', ')} of ${names}`;
  return selection.schemaOnly ? `a part: ${rows}, of ${names}` : `all that was in ${names}`;
}
