import { asNode, asNodes, asText, type AstNode } from '../sql/parser.ts';
import { effectOfAddColumn } from './add-column.ts';
import { addedConstraint, droppedConstraint, foreignTables, provesNotNull, validatedConstraint } from './constraints.ts';
import { touch, type SubcommandEffect, type Touch } from './effect.ts';
import { factsOf, isAbsent, type KnownObjects } from './known-objects.ts';
import type { LockMode } from './lock-modes.ts';
import { attachTouches, detachTouches } from './partitions.ts';
import { rangeName, type RelationName } from './relation-name.ts';
import { changedType } from './type-change.ts';

/** ALTER TABLE, INDEX, VIEW, SEQUENCE, TYPE and the like; undefined for other statements. */
export function touchesOfAlterTable(type: string, fields: AstNode, known: KnownObjects): readonly Touch[] | undefined {
  if (type !== 'AlterTableStmt') return undefined;
  const relation = rangeName(fields['relation']);
  if (relation === undefined) return [];
  if (isAbsent(relation, known)) return mustBeThere(fields) ? touch(relation, 'AccessExclusive') : [];
  const facts = factsOf(relation, known);
  const only = asNode(fields['relation'])['inh'] !== true;
  const holdsRows = fields['objtype'] !== 'OBJECT_VIEW' && facts?.kind !== 'p' && facts?.kind !== 'v';
  return asNodes(fields['cmds']).flatMap((each) => {
    const command = asNode(each['AlterTableCmd']);
    const effect = effectOfSubcommand(command, relation, known);
    const children = only || effect.staysAbove === true ? [] : (facts?.children ?? []);
    return [
      ...touch(relation, effect.lock, holdsRows ? effect.work : 'none', effect.assumed),
      ...children.flatMap((child) => touch(child, effect.lock, effect.work, effect.assumed)),
      ...(effect.others ?? []),
    ];
  });
}

/** Owners are left out: pg_dump sets those of sequences, views and composite types by ALTER TABLE too. */
function mustBeThere(fields: AstNode): boolean {
  const owner = asNodes(fields['cmds']).some((each) => asNode(each['AlterTableCmd'])['subtype'] === 'AT_ChangeOwner');
  return fields['missing_ok'] !== true && fields['objtype'] === 'OBJECT_TABLE' && !owner;
}

const ACCESS_EXCLUSIVE: SubcommandEffect = { lock: 'AccessExclusive' };
const REWRITE_ALONE: SubcommandEffect = { lock: 'AccessExclusive', work: 'rewrite', staysAbove: true };

/** Subcommands whose lock does not depend on what they say. All that are missing take AccessExclusive and touch no row. */
const FIXED: Readonly<Record<string, SubcommandEffect>> = {
  AT_SetStatistics: { lock: 'ShareUpdateExclusive' },
  AT_SetOptions: { lock: 'ShareUpdateExclusive' },
  AT_ResetOptions: { lock: 'ShareUpdateExclusive' },
  AT_ClusterOn: { lock: 'ShareUpdateExclusive', staysAbove: true },
  AT_DropCluster: { lock: 'ShareUpdateExclusive', staysAbove: true },
  AT_EnableTrig: { lock: 'ShareRowExclusive' },
  AT_EnableAlwaysTrig: { lock: 'ShareRowExclusive' },
  AT_EnableReplicaTrig: { lock: 'ShareRowExclusive' },
  AT_EnableTrigAll: { lock: 'ShareRowExclusive' },
  AT_EnableTrigUser: { lock: 'ShareRowExclusive' },
  AT_DisableTrig: { lock: 'ShareRowExclusive' },
  AT_DisableTrigAll: { lock: 'ShareRowExclusive' },
  AT_DisableTrigUser: { lock: 'ShareRowExclusive' },
  AT_SetLogged: REWRITE_ALONE,
  AT_SetUnLogged: REWRITE_ALONE,
  AT_SetTableSpace: REWRITE_ALONE,
  AT_SetAccessMethod: REWRITE_ALONE,
  AT_SetExpression: { lock: 'AccessExclusive', work: 'rewrite' },
  AT_EnableRowSecurity: { lock: 'AccessExclusive', staysAbove: true },
  AT_DisableRowSecurity: { lock: 'AccessExclusive', staysAbove: true },
  AT_ForceRowSecurity: { lock: 'AccessExclusive', staysAbove: true },
  AT_NoForceRowSecurity: { lock: 'AccessExclusive', staysAbove: true },
  AT_ReplicaIdentity: { lock: 'AccessExclusive', staysAbove: true },
  AT_ChangeOwner: { lock: 'AccessExclusive', staysAbove: true },
  AT_DetachPartitionFinalize: { lock: 'ShareUpdateExclusive', staysAbove: true },
};

function effectOfSubcommand(command: AstNode, relation: RelationName, known: KnownObjects): SubcommandEffect {
  const subtype = asText(command['subtype']) ?? '';
  const column = asText(command['name']) ?? '';
  const facts = factsOf(relation, known);
  switch (subtype) {
    case 'AT_AddColumn':
      return effectOfAddColumn(asNode(asNode(command['def'])['ColumnDef']), known);
    case 'AT_AlterColumnType': {
      const change = changedType(asNode(asNode(command['def'])['ColumnDef']), column, facts);
      return {
        lock: 'AccessExclusive',
        ...change,
        others: foreignTables(facts, column, change.work === 'rewrite' ? 'scan' : 'none'),
      };
    }
    case 'AT_SetNotNull':
      return { lock: 'AccessExclusive', work: provesNotNull(facts, column) ? 'none' : 'scan' };
    case 'AT_DropColumn':
      return { lock: 'AccessExclusive', others: [...foreignTables(facts, column, 'none'), ...cascaded(command, relation, known)] };
    case 'AT_AddConstraint':
      return addedConstraint(asNode(asNode(command['def'])['Constraint']), relation, known);
    case 'AT_DropConstraint':
      return droppedConstraint(column, command['behavior'] === 'DROP_CASCADE', facts);
    case 'AT_ValidateConstraint':
      return validatedConstraint(column, facts);
    case 'AT_AlterConstraint': {
      const change = asNode(asNode(command['def'])['ATAlterConstraint']);
      const enforces = change['alterEnforceability'] === true && change['is_enforced'] === true;
      return { lock: 'AccessExclusive', work: enforces ? 'scan' : 'none' };
    }
    case 'AT_SetRelOptions':
    case 'AT_ResetRelOptions':
    case 'AT_ReplaceRelOptions':
      return { lock: lockOfOptions(command), staysAbove: true };
    case 'AT_AttachPartition':
      return { lock: 'ShareUpdateExclusive', staysAbove: true, others: attachTouches(asNode(command['def']), relation, known) };
    case 'AT_DetachPartition': {
      const concurrent = asNode(asNode(command['def'])['PartitionCmd'])['concurrent'] === true;
      const lock: LockMode = concurrent ? 'ShareUpdateExclusive' : 'AccessExclusive';
      return { lock, staysAbove: true, others: detachTouches(asNode(command['def']), concurrent, relation, known) };
    }
    case 'AT_AddInherit':
      return {
        lock: 'AccessExclusive',
        staysAbove: true,
        others: touch(rangeName(asNode(command['def'])['RangeVar']), 'ShareUpdateExclusive'),
      };
    case 'AT_DropInherit':
      return { lock: 'AccessExclusive', staysAbove: true, others: touch(rangeName(asNode(command['def'])['RangeVar']), 'AccessShare') };
    default:
      return FIXED[subtype] ?? ACCESS_EXCLUSIVE;
  }
}

/** Options that readers and writers look at; the others are for VACUUM and the planner. */
const STRONG_OPTIONS: ReadonlySet<string> = new Set([
  'user_catalog_table',
  'security_barrier',
  'security_invoker',
  'check_option',
  'fastupdate',
  'gin_pending_list_limit',
  'buffering',
  'pages_per_range',
  'autosummarize',
]);

function lockOfOptions(command: AstNode): LockMode {
  const options = asNodes(asNode(asNode(command['def'])['List'])['items'] ?? command['def']);
  const names = options.map((each) => asText(asNode(each['DefElem'])['defname']) ?? '');
  return names.some((name) => STRONG_OPTIONS.has(name)) ? 'AccessExclusive' : 'ShareUpdateExclusive';
}

function cascaded(command: AstNode, relation: RelationName, known: KnownObjects): readonly Touch[] {
  if (command['behavior'] !== 'DROP_CASCADE') return [];
  const column = asText(command['name']) ?? '';
  const views = (factsOf(relation, known)?.views ?? []).filter(({ columns }) => columns.includes(column));
  return views.flatMap(({ view }) => touch(view, 'AccessExclusive'));
}
