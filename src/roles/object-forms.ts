/** What a table, sequence, routine or type is more exactly. */
export const OBJECT_FORMS = [
  'table',
  'partitioned table',
  'foreign table',
  'view',
  'materialized view',
  'sequence',
  'function',
  'window function',
  'procedure',
  'aggregate',
  'type',
  'domain',
] as const;
export type ObjectForm = (typeof OBJECT_FORMS)[number];

/** The words of the file that mean less than all of a kind: `view core.v` is refused when v is a table. */
export const NARROW_FORMS = [
  'partitioned table',
  'foreign table',
  'view',
  'materialized view',
  'function',
  'procedure',
  'aggregate',
  'domain',
] as const;
export type NarrowForm = (typeof NARROW_FORMS)[number];

/** Whether something of `form` is meant by a line about `only`; a line without it means the whole kind. */
export function isOfForm(form: ObjectForm, only: NarrowForm | undefined): boolean {
  if (only === undefined) return true;
  // As in GRANT: the word FUNCTION takes aggregates and window functions, not procedures.
  if (only === 'function') return form === 'function' || form === 'aggregate' || form === 'window function';
  return form === only;
}
