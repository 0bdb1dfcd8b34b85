import { asNode, asNodes, asText, nodeType } from '../sql/parser.ts';
import type { Statement } from '../files/migration.ts';

const IN_BATCHES =
  'change the rows in batches, in a file of its own that begins with -- dbadmin: no-transaction, so that each batch commits by itself';
const IN_BACKGROUND = 'in a file of its own that begins with -- dbadmin: no-transaction';

/**
 * How to have the effect of a statement without keeping others waiting; undefined where dbadmin knows no such way.
 * A clause for the end of a sentence.
 */
export function saferWay(statement: Statement): string | undefined {
  const { type, fields } = nodeType(statement.node ?? {});
  switch (type) {
    case 'IndexStmt':
      return fields['concurrent'] === true ? undefined : `CREATE INDEX CONCURRENTLY, ${IN_BACKGROUND}`;
    case 'ReindexStmt':
      return `REINDEX (CONCURRENTLY), ${IN_BACKGROUND}`;
    case 'RefreshMatViewStmt':
      return fields['concurrent'] === true
        ? undefined
        : 'REFRESH MATERIALIZED VIEW CONCURRENTLY, which needs a unique index and lets others read';
    case 'UpdateStmt':
    case 'DeleteStmt':
    case 'InsertStmt':
    case 'MergeStmt':
    case 'CopyStmt':
      return IN_BATCHES;
    case 'VacuumStmt':
    case 'ClusterStmt':
      return 'pg_repack or pg_squeeze, which write the table anew beside the old one and take its place at the end';
    case 'AlterTableStmt':
      return asNodes(fields['cmds'])
        .map((each) => saferCommand(asNode(each['AlterTableCmd'])))
        .find((way) => way !== undefined);
    default:
      return undefined;
  }
}

function saferCommand(command: Readonly<Record<string, unknown>>): string | undefined {
  switch (asText(command['subtype']) ?? '') {
    case 'AT_AddConstraint':
      return saferConstraint(asText(asNode(asNode(command['def'])['Constraint'])['contype']));
    case 'AT_AlterColumnType':
      return 'add a column of the new type, keep it filled by a trigger, fill the old rows in batches, and swap the names last';
    case 'AT_AddColumn':
      return 'ADD COLUMN without the default, constraint or NOT NULL, ALTER COLUMN … SET DEFAULT for new rows, fill the old ones in batches in a no-transaction file, and constrain last';
    case 'AT_SetNotNull':
      return 'ADD CONSTRAINT … CHECK (… IS NOT NULL) NOT VALID, VALIDATE CONSTRAINT in the file after it, then SET NOT NULL, which looks at no row any more';
    case 'AT_ValidateConstraint':
      return 'VALIDATE CONSTRAINT in a file after the one that adds it, so that no stronger lock is held while it reads';
    case 'AT_AttachPartition':
      return 'give the new partition a CHECK of its bounds first (NOT VALID, then VALIDATE); then ATTACH PARTITION looks at no row';
    case 'AT_DetachPartition':
      return `DETACH PARTITION … CONCURRENTLY, ${IN_BACKGROUND}`;
    case 'AT_SetLogged':
    case 'AT_SetUnLogged':
    case 'AT_SetTableSpace':
    case 'AT_SetAccessMethod':
      return 'make a new table so, copy the rows in batches, and swap the names last';
    default:
      return undefined;
  }
}

function saferConstraint(kind: string | undefined): string | undefined {
  switch (kind ?? '') {
    case 'CONSTR_FOREIGN':
    case 'CONSTR_CHECK':
    case 'CONSTR_NOTNULL':
      return 'ADD CONSTRAINT … NOT VALID, which looks at no row, and in a file after it ALTER TABLE … VALIDATE CONSTRAINT, which blocks neither reads nor writes';
    case 'CONSTR_UNIQUE':
    case 'CONSTR_PRIMARY':
      return 'CREATE UNIQUE INDEX CONCURRENTLY in a no-transaction file, and after it ADD CONSTRAINT … USING INDEX';
    default:
      return undefined;
  }
}
