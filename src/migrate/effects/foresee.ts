import { embeddedStatements } from '../sql/embedded.ts';
import type { Statement } from '../files/migration.ts';
import type { SqlParser } from '../sql/parser.ts';
import { afterStatement, startOfFile } from './after.ts';
import { effectsOf, isOpaque, type Effect } from './effects.ts';
import { factsOf, isAbsent, knownFrom, type CatalogFacts, type KnownObjects, type RelationFacts } from './known-objects.ts';
import { lockLevel } from './lock-modes.ts';

/** An effect with what the catalog says of its relation; no facts for what the file made, and where there is no database. */
export interface ForeseenEffect extends Effect {
  readonly facts: RelationFacts | undefined;
  /** Set for what is written or changed, where the database has no such relation and nothing before makes it, as far as can be seen. */
  readonly isAbsent?: true;
}

export interface ForeseenStatement {
  readonly statement: Statement;
  /** The strongest lock first; what DO blocks and the like run inside is among them. */
  readonly effects: readonly ForeseenEffect[];
  /** It runs what could not be looked into, and may lock more. */
  readonly isOpaque: boolean;
}

/** What files do that run one after the other, statement by statement. */
export function foresee(
  files: readonly (readonly Statement[])[],
  catalog: CatalogFacts | undefined,
  parser: SqlParser,
): readonly (readonly ForeseenStatement[])[] {
  // Shared and added to: ten thousand copies of it would take seconds.
  const earlier = new Set<string>();
  let known: KnownObjects = { ...knownFrom(catalog), earlier };
  return files.map((statements) => {
    const foreseen = statements.map((statement) => {
      const inside = embeddedStatements(statement, parser).filter(({ runs }) => runs === 'now');
      const found: ForeseenEffect[] = seen(statement, known);
      let unclear = isOpaque(statement) && inside.length === 0;
      for (const each of inside) {
        if (each.kind === 'opaque') unclear = true;
        else {
          found.push(...seen(each, known));
          known = afterStatement(each, known);
        }
      }
      known = afterStatement(statement, known);
      const effects = found.toSorted((a, b) => Number(a.isNew) - Number(b.isNew) || lockLevel(b.lock) - lockLevel(a.lock));
      return { statement, effects, isOpaque: unclear };
    });
    for (const key of known.made) earlier.add(key);
    known = startOfFile(known);
    return foreseen;
  });
}

function seen(statement: Pick<Statement, 'node'>, known: KnownObjects): ForeseenEffect[] {
  return effectsOf(statement, known).map((effect) => ({
    ...effect,
    facts: factsOf(effect.relation, known),
    ...(isMissed(effect, known) ? { isAbsent: true as const } : {}),
  }));
}

/** What is only read may be one of the system's own views, about which the catalog is not asked. */
function isMissed({ relation, lock, isNew }: Effect, known: KnownObjects): boolean {
  return !isNew && lockLevel(lock) >= lockLevel('RowExclusive') && !relation.name.startsWith('pg_') && isAbsent(relation, known);
}
