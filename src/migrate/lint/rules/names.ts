import { rangeName, showRelation } from '../../effects/relation-name.ts';
import { quoteIdentifier } from '../../../postgres/quote.ts';
import { asText } from '../../sql/parser.ts';
import { effectOn, isFresh, type Rule } from '../rule.ts';

const KINDS: Readonly<Record<string, string>> = {
  OBJECT_TABLE: 'TABLE',
  OBJECT_VIEW: 'VIEW',
  OBJECT_MATVIEW: 'MATERIALIZED VIEW',
  OBJECT_FOREIGN_TABLE: 'FOREIGN TABLE',
  OBJECT_COLUMN: 'COLUMN',
  OBJECT_SCHEMA: 'SCHEMA',
};

export const rename: Rule = {
  id: 'rename',
  summary: 'RENAME or SET SCHEMA of what an application names',
  why: 'Whatever still uses the old name fails from the moment of commit; functions are not noticed until they run.',
  safe: 'a view of the old name over the new table in the same file; for a column a new one, both kept equal by a trigger until nothing reads the old',
  on: ['RenameStmt', 'AlterObjectSchemaStmt'],
  check: (step) => {
    const kind = KINDS[asText(step.fields[step.type === 'RenameStmt' ? 'renameType' : 'objectType']) ?? ''];
    if (kind === undefined) return [];
    const to = quoteIdentifier(asText(step.fields['newname']) ?? asText(step.fields['newschema']) ?? '');
    if (kind === 'SCHEMA') {
      return [{ message: `RENAME SCHEMA ${quoteIdentifier(asText(step.fields['subname']) ?? '')} to ${to}`, weight: 'warning' }];
    }
    const relation = rangeName(step.fields['relation']);
    if (relation === undefined || isFresh(relation, step)) return [];
    const name = showRelation(relation);
    const effect = effectOn(relation, step.effects(), step);
    if (step.type === 'AlterObjectSchemaStmt') return [{ message: `SET SCHEMA ${to} of ${name}`, weight: 'warning', effect }];
    if (kind !== 'COLUMN') {
      const safe = `with it, in the same file: CREATE VIEW ${name} AS SELECT * FROM ${to};   -- until nothing uses the old name`;
      return [{ message: `RENAME ${name} to ${to}`, weight: 'warning', effect, safe }];
    }
    const column = quoteIdentifier(asText(step.fields['subname']) ?? '');
    const safe = `ADD COLUMN ${to}, both kept equal by a trigger, the old rows filled in batches; drop ${column} when nothing reads it`;
    return [{ message: `RENAME COLUMN ${column} of ${name} to ${to}`, weight: 'warning', effect, safe }];
  },
};
