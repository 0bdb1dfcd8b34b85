import { factsOf, tableOfIndex } from '../../effects/known-objects.ts';
import { listedName, rangeName, showRelation } from '../../effects/relation-name.ts';
import { asNode, asNodes, asText } from '../../sql/parser.ts';
import { effectOn, isFresh, oneLine, type Hit, type Rule, type Step } from '../rule.ts';

const IN_ITS_OWN_FILE = 'in a file that begins with -- dbadmin: no-transaction';

export const indexNotConcurrent: Rule = {
  id: 'index-not-concurrent',
  summary: 'CREATE INDEX without CONCURRENTLY',
  why: 'The table takes no write until the index is built: 0.3 to 0.6 s for each million narrow rows, much more for wide ones.',
  safe: `CREATE INDEX CONCURRENTLY name ON table (…), ${IN_ITS_OWN_FILE}`,
  on: ['IndexStmt'],
  check: (step) => {
    const table = rangeName(step.fields['relation']);
    if (table === undefined || step.fields['concurrent'] === true || isFresh(table, step)) return [];
    const facts = factsOf(table, step.known);
    // ON ONLY a partitioned table makes an entry in the catalog and reads nothing.
    if (asNode(step.fields['relation'])['inh'] !== true && (facts === undefined || facts.kind === 'p')) return [];
    const effects = step.effects();
    const effect = effectOn(table, effects, step);
    if (effect === undefined) return [];
    const name = asText(step.fields['idxname']);
    const concurrently = oneLine(step.text.replace(/^(create\s+(?:unique\s+)?index)\b/i, '$1 CONCURRENTLY'));
    const named = name === undefined ? concurrently.replace(/(CONCURRENTLY)(?=\s+on\b)/i, '$1 a_name') : concurrently;
    const parts = `CREATE INDEX ${name ?? 'a_name'} ON ONLY ${showRelation(table)} (…), then for each partition, ${IN_ITS_OWN_FILE}:\n  CREATE INDEX CONCURRENTLY … and ALTER INDEX ${name ?? 'a_name'} ATTACH PARTITION …`;
    const safe = facts?.kind === 'p' ? parts : `${named};\n  ${IN_ITS_OWN_FILE}`;
    // The lock on a partitioned table is the same; the work is done on its partitions.
    const shown = facts?.kind === 'p' ? { ...effect, work: 'build' as const } : effect;
    return [{ message: `CREATE INDEX on ${showRelation(table)}`, weight: 'rows', effect: shown, safe }];
  },
};

export const dropIndexNotConcurrent: Rule = {
  id: 'drop-index-not-concurrent',
  summary: 'DROP INDEX or REINDEX without CONCURRENTLY',
  why: 'DROP INDEX stops reads of the whole table too; REINDEX stops writes, and reads that would use the index, until it is built.',
  safe: `DROP INDEX CONCURRENTLY name, REINDEX INDEX CONCURRENTLY name, ${IN_ITS_OWN_FILE}`,
  on: ['DropStmt', 'ReindexStmt'],
  check: (step) => (step.type === 'DropStmt' ? droppedIndexes(step) : reindexed(step)),
};

function droppedIndexes(step: Step): readonly Hit[] {
  if (step.fields['removeType'] !== 'OBJECT_INDEX' || step.fields['concurrent'] === true) return [];
  return asNodes(step.fields['objects']).flatMap((each): readonly Hit[] => {
    const index = listedName(each);
    if (index === undefined || isFresh(index, step)) return [];
    const table = tableOfIndex(index, step.known);
    if (table !== undefined && isFresh(table, step)) return [];
    const effect = effectOn(table ?? index, step.effects(), step);
    const safe = `DROP INDEX CONCURRENTLY ${showRelation(index)};\n  ${IN_ITS_OWN_FILE}`;
    return [{ message: `DROP INDEX ${showRelation(index)}`, weight: 'moment', effect, safe }];
  });
}

function reindexed(step: Step): readonly Hit[] {
  if (isConcurrentReindex(step)) return [];
  const relation = rangeName(step.fields['relation']);
  if (relation === undefined) {
    const what = oneLine(step.text, 60);
    return [{ message: what, weight: 'warning', safe: `${what.replace(/^(reindex\s+\w+)/i, '$1 CONCURRENTLY')}, ${IN_ITS_OWN_FILE}` }];
  }
  const table = step.fields['kind'] === 'REINDEX_OBJECT_INDEX' ? tableOfIndex(relation, step.known) : relation;
  if (isFresh(relation, step) || (table !== undefined && isFresh(table, step))) return [];
  const kind = step.fields['kind'] === 'REINDEX_OBJECT_INDEX' ? 'INDEX' : 'TABLE';
  const safe = `REINDEX ${kind} CONCURRENTLY ${showRelation(relation)};\n  ${IN_ITS_OWN_FILE}`;
  return [
    { message: `REINDEX of ${showRelation(relation)}`, weight: 'rows', effect: effectOn(table ?? relation, step.effects(), step), safe },
  ];
}

function isConcurrentReindex({ type, fields }: Step): boolean {
  return type === 'ReindexStmt' && asNodes(fields['params']).some((each) => asNode(each['DefElem'])['defname'] === 'concurrently');
}

/** Whether PostgreSQL refuses it in a transaction for its CONCURRENTLY. */
function isConcurrent(step: Step): boolean {
  if (isConcurrentReindex(step)) return true;
  if (step.type === 'IndexStmt' || step.type === 'DropStmt') return step.fields['concurrent'] === true;
  if (step.type !== 'AlterTableStmt') return false;
  return asNodes(step.fields['cmds']).some(
    (each) => asNode(asNode(asNode(each['AlterTableCmd'])['def'])['PartitionCmd'])['concurrent'] === true,
  );
}

export const concurrentInTransaction: Rule = {
  id: 'cic-in-tx',
  summary: 'CONCURRENTLY in a transaction, a DO block or a function',
  why: 'PostgreSQL refuses it there: it commits several times on its way.',
  safe: `a statement of the file itself, ${IN_ITS_OWN_FILE}`,
  on: ['IndexStmt', 'DropStmt', 'ReindexStmt', 'AlterTableStmt'],
  check: (step) => {
    if (!isConcurrent(step) || (!step.inTransaction && step.inside.length === 0)) return [];
    const where = step.inside.length === 0 ? 'a transaction' : step.inside.join(', ');
    return [{ message: `${command(step)} CONCURRENTLY inside ${where}`, weight: 'error' }];
  },
};

function command({ type }: Step): string {
  return { IndexStmt: 'CREATE INDEX', DropStmt: 'DROP INDEX', ReindexStmt: 'REINDEX' }[type] ?? 'DETACH PARTITION';
}

export const concurrentWithOthers: Rule = {
  id: 'cic-multi',
  summary: 'other changes in the file of a CONCURRENTLY',
  why: 'Without a transaction each statement commits alone: when a later one fails, what this one did stays.',
  safe: 'a file of its own, with a transaction, for what does not need CONCURRENTLY',
  on: [],
  check: (step) => {
    if (step.inTransaction || step.inside.length > 0) return [];
    if (isConcurrent(step)) {
      step.state.said.add('concurrently');
      const earlier = step.state.said.has('alone');
      return earlier && !step.state.said.has('cic-multi') ? said(step, 'after other changes') : [];
    }
    if (!CHANGES.has(step.type)) return [];
    step.state.said.add('alone');
    return step.state.said.has('concurrently') && !step.state.said.has('cic-multi') ? said(step, 'after CONCURRENTLY') : [];
  },
};

function said(step: Step, where: string): readonly Hit[] {
  step.state.said.add('cic-multi');
  return [{ message: `${oneLine(step.text, 60)} ${where}, in one file without a transaction`, weight: 'notice' }];
}

/** Statements that leave something half done when the file stops after them. */
const CHANGES: ReadonlySet<string> = new Set([
  'CreateStmt',
  'CreateTableAsStmt',
  'RenameStmt',
  'InsertStmt',
  'CreateTrigStmt',
  'ViewStmt',
  'AlterObjectSchemaStmt',
]);
