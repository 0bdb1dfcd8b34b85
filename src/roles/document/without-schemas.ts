import type { AccessRule, DeclaredDatabase, ObjectName, RolesDocument } from './document.ts';

/**
 * The file as if it said nothing about `schemas` of `database`: neither that they are there, nor who may what in them.
 *
 * Rules that hold against access (`never`) stay: where there is nothing, nobody can do anything with it.
 */
export function withoutSchemas(document: RolesDocument, database: string, schemas: ReadonlySet<string>): RolesDocument {
  const declared = document.databases.get(database);
  if (declared === undefined || schemas.size === 0) return document;
  return { ...document, databases: new Map(document.databases).set(database, reduced(declared, schemas)) };
}

function reduced(declared: DeclaredDatabase, schemas: ReadonlySet<string>): DeclaredDatabase {
  const isLeft = ({ schema }: { readonly schema: string }): boolean => !schemas.has(schema);
  return {
    ...declared,
    schemas: new Map([...declared.schemas].filter(([name]) => !schemas.has(name))),
    access: declared.access.flatMap((rule) => reducedRule(rule, schemas)),
    columns: declared.columns.filter(({ on }) => isLeft(on)),
    rowSecurity: declared.rowSecurity.filter(({ table }) => isLeft(table)),
    owners: declared.owners.filter(({ on }) => isLeft(on)),
  };
}

function reducedRule(rule: AccessRule, schemas: ReadonlySet<string>): readonly AccessRule[] {
  switch (rule.kind) {
    case 'profile': {
      const left = rule.schemas.filter((name) => !schemas.has(name));
      return left.length === 0 ? [] : [{ ...rule, schemas: left, except: rule.except.filter(({ schema }) => !schemas.has(schema)) }];
    }
    case 'named':
      return isIn(rule.on, schemas) ? [] : [rule];
    case 'future':
      return rule.schema !== undefined && schemas.has(rule.schema) ? [] : [rule];
  }
}

function isIn(on: ObjectName, schemas: ReadonlySet<string>): boolean {
  return on.kind === 'schema' ? schemas.has(on.name) : 'schema' in on && schemas.has(on.schema);
}
