import { factsOf } from '../../effects/known-objects.ts';
import { ownerName, rangeName, showRelation, type RelationName } from '../../effects/relation-name.ts';
import { asNode, asNodes, asText } from '../../sql/parser.ts';
import { alterParts, effectOn, isFresh, oneLine, type Hit, type Rule, type Step } from '../rule.ts';

const SHORT_FILE = 'a file of its own, so that the lock is held for this one statement, with a short -- dbadmin: lock-timeout';

const TRIGGER_PARTS = [
  'AT_EnableTrig',
  'AT_EnableAlwaysTrig',
  'AT_EnableReplicaTrig',
  'AT_EnableTrigAll',
  'AT_EnableTrigUser',
  'AT_DisableTrig',
  'AT_DisableTrigAll',
  'AT_DisableTrigUser',
] as const;

export const triggerDdl: Rule = {
  id: 'trigger-ddl',
  summary: 'CREATE, DROP, ENABLE or DISABLE TRIGGER',
  why: 'DROP TRIGGER stops reads and writes of the table, the others stop writes, each waiting behind all who write to it now.',
  safe: `CREATE OR REPLACE TRIGGER rather than DROP and CREATE: it lets reads through; ${SHORT_FILE}`,
  on: ['CreateTrigStmt', 'DropStmt', 'AlterTableStmt'],
  check: (step) => {
    const switched = alterParts(step, ...TRIGGER_PARTS).map((part): Hit => ({
      message: `${switchWord(part.subtype)} TRIGGER on ${showRelation(part.relation)}`,
      weight: 'moment',
      effect: part.effect,
    }));
    if (step.type === 'CreateTrigStmt') {
      return onTable(rangeName(step.fields['relation']), step, `CREATE TRIGGER ${asText(step.fields['trigname']) ?? ''} on`);
    }
    if (step.type === 'DropStmt' && step.fields['removeType'] === 'OBJECT_TRIGGER') return dropped(step, 'DROP TRIGGER on');
    return switched;
  },
};

function switchWord(subtype: string): string {
  return subtype.startsWith('AT_Enable') ? 'ENABLE' : 'DISABLE';
}

export const policyRls: Rule = {
  id: 'policy-rls',
  summary: 'policies and ROW LEVEL SECURITY',
  why: 'Each stops reads and writes of the table, and from then on other rows are seen: ENABLE without a policy shows none.',
  safe: `policies first, ENABLE ROW LEVEL SECURITY last, in ${SHORT_FILE}`,
  on: ['CreatePolicyStmt', 'AlterPolicyStmt', 'DropStmt', 'AlterTableStmt'],
  check: (step) => {
    if (step.type === 'CreatePolicyStmt' || step.type === 'AlterPolicyStmt') {
      const word = step.type === 'CreatePolicyStmt' ? 'CREATE' : 'ALTER';
      return onTable(rangeName(step.fields['table']), step, `${word} POLICY ${asText(step.fields['policy_name']) ?? ''} on`);
    }
    if (step.type === 'DropStmt') return step.fields['removeType'] === 'OBJECT_POLICY' ? dropped(step, 'DROP POLICY on') : [];
    return alterParts(step, 'AT_EnableRowSecurity', 'AT_DisableRowSecurity', 'AT_ForceRowSecurity', 'AT_NoForceRowSecurity').map(
      (part): Hit => {
        const word = /^AT_(No)?(\w+)RowSecurity$/.exec(part.subtype);
        const message = `${word?.[1] === undefined ? '' : 'NO '}${(word?.[2] ?? '').toUpperCase()} ROW LEVEL SECURITY on ${showRelation(part.relation)}`;
        return { message, weight: 'moment', effect: part.effect };
      },
    );
  },
};

function onTable(table: RelationName | undefined, step: Step, what: string): readonly Hit[] {
  if (table === undefined || isFresh(table, step)) return [];
  return [{ message: `${what} ${showRelation(table)}`, weight: 'moment', effect: effectOn(table, step.effects(), step) }];
}

function dropped(step: Step, what: string): readonly Hit[] {
  return asNodes(step.fields['objects']).flatMap((each) => onTable(ownerName(each), step, what));
}

export const partition: Rule = {
  id: 'partition',
  summary: 'ATTACH without a CHECK, CREATE … PARTITION OF, DETACH without CONCURRENTLY',
  why: 'ATTACH reads the whole partition under the strongest lock unless a valid CHECK says what its bounds say; PARTITION OF and DETACH stop reads and writes of the whole partitioned table.',
  safe: 'CREATE TABLE … (LIKE parent), a CHECK that says what the bounds say, then ATTACH PARTITION; DETACH PARTITION … CONCURRENTLY',
  on: ['CreateStmt', 'AlterTableStmt'],
  check: (step) => (step.type === 'CreateStmt' ? createdPartition(step) : [...attached(step), ...detached(step)]),
};

function createdPartition(step: Step): readonly Hit[] {
  const parent = rangeName(asNode(asNodes(step.fields['inhRelations'])[0])['RangeVar']);
  const own = rangeName(step.fields['relation']);
  if (step.fields['partbound'] === undefined || parent === undefined || own === undefined || isFresh(parent, step)) return [];
  const [table, above] = [showRelation(own), showRelation(parent)];
  const safe = `CREATE TABLE ${table} (LIKE ${above} INCLUDING ALL);\n  ALTER TABLE ${above} ATTACH PARTITION ${table} FOR VALUES …;`;
  return [
    { message: `CREATE TABLE ${table} PARTITION OF ${above}`, weight: 'moment', effect: effectOn(parent, step.effects(), step), safe },
  ];
}

function attached(step: Step): readonly Hit[] {
  return alterParts(step, 'AT_AttachPartition').flatMap((part): readonly Hit[] => {
    const child = rangeName(part.definition['name']);
    if (child === undefined || isFresh(child, step) || step.state.checked.has(showRelation(child))) return [];
    const effect = effectOn(child, part.effects, step);
    // Whether a CHECK there says what the bounds say is more than can be told; that there is a valid one is taken for it.
    if (
      effect?.work === 'none' ||
      factsOf(child, step.known)?.constraints.some(({ kind, validated }) => kind === 'c' && validated) === true
    )
      return [];
    const table = showRelation(child);
    const safe = [
      `ALTER TABLE ${table} ADD CONSTRAINT in_bounds CHECK (what the bounds say) NOT VALID;`,
      `  and in the next file: ALTER TABLE ${table} VALIDATE CONSTRAINT in_bounds;`,
      `  and in the next: ALTER TABLE ${showRelation(part.relation)} ATTACH PARTITION ${table} …;`,
    ].join('\n');
    return [{ message: `ATTACH PARTITION ${table} to ${showRelation(part.relation)}`, weight: 'rows', effect, safe }];
  });
}

function detached(step: Step): readonly Hit[] {
  return alterParts(step, 'AT_DetachPartition').flatMap((part): readonly Hit[] => {
    const child = rangeName(part.definition['name']);
    if (child === undefined || part.definition['concurrent'] === true) return [];
    const safe = `ALTER TABLE ${showRelation(part.relation)} DETACH PARTITION ${showRelation(child)} CONCURRENTLY;\n  in a file that begins with -- dbadmin: no-transaction`;
    return [
      {
        message: `DETACH PARTITION ${showRelation(child)} from ${showRelation(part.relation)}`,
        weight: 'moment',
        effect: part.effect,
        safe,
      },
    ];
  });
}

export const rewriteCommand: Rule = {
  id: 'rewrite-command',
  summary: 'VACUUM FULL, CLUSTER, SET (UN)LOGGED, SET TABLESPACE',
  why: 'Table and indexes are written anew while nobody reads or writes: 1 to 2 s for each million narrow rows, and as much disk again.',
  safe: 'plain VACUUM for space that is to be used again; a program such as pg_repack for space that is to be given back; else a quiet hour',
  on: ['VacuumStmt', 'ClusterStmt', 'AlterTableStmt', 'AlterTableMoveAllStmt'],
  check: (step) => {
    if (step.type === 'AlterTableMoveAllStmt') return [{ message: oneLine(step.text, 80), weight: 'warning' }];
    if (step.type === 'AlterTableStmt') {
      return alterParts(step, 'AT_SetLogged', 'AT_SetUnLogged', 'AT_SetTableSpace', 'AT_SetAccessMethod').map((part): Hit => {
        const word = WORDS[part.subtype] ?? '';
        return { message: `${word} of ${showRelation(part.relation)}`, weight: 'rows', effect: part.effect };
      });
    }
    if (step.type === 'ClusterStmt') {
      const table = rangeName(step.fields['relation']);
      return table === undefined ? [{ message: 'CLUSTER of all tables', weight: 'error' }] : rewritten(table, 'CLUSTER', step);
    }
    const full = asNodes(step.fields['options']).some((each) => asNode(each['DefElem'])['defname'] === 'full');
    if (!full) return [];
    const tables = asNodes(step.fields['rels']).flatMap((each) => rangeName(asNode(each['VacuumRelation'])['relation']) ?? []);
    return tables.length === 0
      ? [{ message: 'VACUUM FULL of all tables', weight: 'error' }]
      : tables.flatMap((table) => rewritten(table, 'VACUUM FULL', step));
  },
};

const WORDS: Readonly<Record<string, string>> = {
  AT_SetLogged: 'SET LOGGED',
  AT_SetUnLogged: 'SET UNLOGGED',
  AT_SetTableSpace: 'SET TABLESPACE',
  AT_SetAccessMethod: 'SET ACCESS METHOD',
};

function rewritten(table: RelationName, what: string, step: Step): readonly Hit[] {
  const effect = effectOn(table, step.effects(), step);
  if (isFresh(table, step) || effect?.work !== 'rewrite') return [];
  return [{ message: `${what} of ${showRelation(table)}`, weight: 'rows', effect }];
}

export const materializedView: Rule = {
  id: 'matview',
  summary: 'REFRESH MATERIALIZED VIEW without CONCURRENTLY',
  why: 'Nobody reads the view until its query is done.',
  safe: 'REFRESH MATERIALIZED VIEW CONCURRENTLY, which needs a unique index on the view and lets readers through',
  on: ['RefreshMatViewStmt'],
  check: (step) => {
    const view = rangeName(step.fields['relation']);
    if (view === undefined || step.fields['concurrent'] === true || step.fields['skipData'] === true || isFresh(view, step)) return [];
    const name = showRelation(view);
    const safe = `REFRESH MATERIALIZED VIEW CONCURRENTLY ${name};   -- needs a unique index on it`;
    return [{ message: `REFRESH MATERIALIZED VIEW ${name}`, weight: 'rows', effect: effectOn(view, step.effects(), step), safe }];
  },
};
