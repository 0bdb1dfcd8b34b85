import type { Catalog } from './catalog.ts';
import { qualified, shownName } from './names.ts';

/** An object without a comment. */
export interface Undocumented {
  readonly kind: string;
  /** As SQL names it: core.track, core.track.name, mart.only(bigint). */
  readonly name: string;
}

/**
 * What should have a comment and has none: schemas, relations, columns of tables, routines and types. Not asked of the
 * schema public, of columns of views (what they show is told where it comes from), of what is inherited, nor of partitions.
 */
export function undocumentedOf(catalog: Catalog): readonly Undocumented[] {
  return catalog.schemas.flatMap((schema) => [
    ...(isBlank(schema.comment) && schema.name !== 'public' ? [{ kind: 'schema', name: shownName(schema.name) }] : []),
    ...schema.relations
      .filter(({ partitionBound }) => partitionBound === undefined)
      .flatMap((relation) => [
        ...(isBlank(relation.comment) ? [{ kind: relation.kind, name: qualified(relation) }] : []),
        ...(relation.kind.endsWith('table')
          ? relation.columns
              .filter(({ comment, isInherited }) => isBlank(comment) && !isInherited)
              .map(({ name }) => ({ kind: 'column', name: `${qualified(relation)}.${shownName(name)}` }))
          : []),
      ]),
    ...schema.types.filter(({ comment }) => isBlank(comment)).map((type) => ({ kind: type.kind, name: qualified(type) })),
    ...schema.routines
      .filter(({ comment }) => isBlank(comment))
      .map((routine) => ({ kind: routine.kind, name: `${qualified(routine)}(${routine.identity})` })),
  ]);
}

const isBlank = (comment: string | undefined): boolean => comment === undefined || comment.trim() === '';
