import { diffLines } from '../files/diff.ts';
import { parseSqlFile } from '../files/migration.ts';
import { asNode, asNodes, asText, nodeType, type SqlParser } from '../sql/parser.ts';
import type { ChangedRoutine } from '../plan.ts';
import type { Queryable } from '../session/session.ts';
import { signatureText, signaturesOf } from '../routines/routines.ts';

/** A function or procedure that somebody changed in the database itself since it was applied. */
export interface RoutineDrift {
  /** As the history has the file: `schema/name`. */
  readonly name: string;
  /** With its input types. */
  readonly signature: string;
  /** `altered`: its body is another. `gone`: there is no such routine any more. */
  readonly kind: 'altered' | 'gone';
  /** Lines of difference, `-` as applied and `+` as it is now; empty when it is gone. */
  readonly diff: readonly string[];
}

/**
 * Which of the routines that are about to be replaced are not what was applied: what somebody mended by hand would be lost.
 *
 * Bodies written as text are compared to the letter. BEGIN ATOMIC bodies are kept by the server as trees and are not compared.
 */
export async function inspectRoutineDrift(
  session: Queryable,
  routines: readonly ChangedRoutine[],
  applied: ReadonlyMap<string, string>,
  parser: SqlParser,
): Promise<readonly RoutineDrift[]> {
  const declared = routines.flatMap(({ name, file }) => {
    const text = applied.get(name);
    return text === undefined ? [] : bodiesIn({ ...file, text }, parser).map((each) => ({ name, ...each }));
  });
  if (declared.length === 0) return [];
  const rows = await session.query<{ number: number; body: string | null }>(
    `select w.number::int as number, (select p.prosrc from pg_catalog.pg_proc p where p.oid = pg_catalog.to_regprocedure(w.signature)::oid) as body
     from pg_catalog.unnest($1::text[]) with ordinality w(signature, number)`,
    [declared.map(({ signature }) => signature)],
  );
  const live = new Map(rows.map(({ number, body }) => [number, body]));
  return declared.flatMap(({ name, signature, body }, index): readonly RoutineDrift[] => {
    const now = live.get(index + 1) ?? undefined;
    if (now === body) return [];
    if (now === undefined) return [{ name, signature, kind: 'gone', diff: [] }];
    return [{ name, signature, kind: 'altered', diff: diffLines(body, now) }];
  });
}

function bodiesIn(file: ChangedRoutine['file'], parser: SqlParser): readonly { readonly signature: string; readonly body: string }[] {
  return parseSqlFile(file, parser).statements.flatMap((statement) => {
    const { type, fields } = nodeType(statement.node ?? {});
    const [signature] = signaturesOf([statement]);
    if (type !== 'CreateFunctionStmt' || signature === undefined) return [];
    const as = asNodes(fields['options'])
      .map((each) => asNode(each['DefElem']))
      .find(({ defname }) => defname === 'as');
    const words = asNodes(asNode(asNode(as?.['arg'])['List'])['items']);
    const body = asText(asNode(words[0]?.['String'])['sval']);
    // Two words are the library and the symbol of a function in C.
    return body === undefined || words.length !== 1 ? [] : [{ signature: signatureText(signature), body }];
  });
}
