import { describe, expect, test } from 'vitest';
import type { AccessGraph } from '../../../src/roles/access/graph.ts';
import { answerMatrix } from '../../../src/roles/access/matrix-question.ts';
import { aGraph, anEdge, anEntry, aRole, someTables } from './access-graph.ts';

/** By object and role, the cell before and, where it differs, after the plan. */
function cellsOf(graph: AccessGraph, planned?: AccessGraph): Readonly<Record<string, Readonly<Record<string, string>>>> {
  const everything = (): boolean => true;
  const { roles, texts, lines } = answerMatrix({
    graph,
    planned,
    database: 'music',
    isWantedRole: everything,
    isWantedGroup: everything,
    isWantedName: everything,
  });
  const text = (number: number | undefined): string => texts[number ?? -1] ?? '?';
  return Object.fromEntries(
    lines.flatMap((line) =>
      line.names.map((name) => [
        line.schema === undefined ? `${line.kind} ${name}` : `${line.schema}.${name}`,
        Object.fromEntries(
          roles.map(({ name: role }, place) => {
            const [now, after] = [text(line.cells[place]), line.after === undefined ? undefined : text(line.after[place])];
            return [role, after === undefined || after === now ? now : `${now} → ${after}`];
          }),
        ),
      ]),
    ),
  );
}

describe('the matrix', () => {
  const roles = [aRole('reader', {}, false), aRole('ann'), aRole('ben'), aRole('eve')];

  test('tells by a mark for each privilege how a role comes to have it, the nearest way first', () => {
    const graph = aGraph({
      roles: [...roles, aRole('pg_read_all_data', {}, false)],
      memberships: [anEdge('ann', 'reader'), anEdge('ben', 'reader', { inherit: false }), anEdge('eve', 'pg_read_all_data')],
      groups: [
        someTables(['play'], [anEntry('owner', 'SELECT'), anEntry('reader', 'SELECT', 'owner', true), anEntry('PUBLIC', 'INSERT')]),
        someTables(['note'], [anEntry('ann', 'SELECT'), anEntry('reader', 'SELECT')]),
      ],
    });
    expect(cellsOf(graph)).toEqual({
      'database music': { owner: '-P-', reader: '-p-', ann: '-p-', ben: '-p-', eve: '-p-', postgres: 'SSS', pg_read_all_data: '-p-' },
      'schema core': { owner: 'P-', reader: 'p-', ann: 'p-', ben: 'p-', eve: 'd-', postgres: 'SS', pg_read_all_data: 'd-' },
      'core.play': {
        owner: 'OP------',
        reader: 'Gp------',
        ann: 'Ip------',
        ben: 'tp------',
        eve: 'dp------',
        postgres: 'SSSSSSSS',
        pg_read_all_data: 'dp------',
      },
      'core.note': {
        owner: '--------',
        reader: 'g-------',
        ann: 'g-------',
        ben: 't-------',
        eve: 'd-------',
        postgres: 'SSSSSSSS',
        pg_read_all_data: 'd-------',
      },
    });
  });

  test('marks columns, a schema that is closed and rows that policies decide about', () => {
    const closed = { kind: 'schema', schema: undefined, owner: 'owner', acl: [], isCatalog: false, names: ['core'] } as const;
    const graph = aGraph({
      roles: [...roles, aRole('root', { bypassrls: true })],
      groups: [],
      database: {
        groups: [closed, someTables(['play', 'note'], [anEntry('ann', 'SELECT'), anEntry('root', 'SELECT')])],
        columns: [{ schema: 'core', table: 'note', column: 'text', acl: [anEntry('ben', 'UPDATE'), anEntry('ann', 'SELECT')] }],
        rowSecurity: [{ schema: 'core', name: 'play', forced: false }],
      },
    });
    const cells = cellsOf(graph);
    expect(cells['core.play']).toMatchObject({ ann: 'g-------!~', root: 'g-------!', ben: '--------' });
    expect(cells['core.note']).toMatchObject({ ann: 'g-------!', ben: '--c-----' });
  });

  test('puts before and after a plan side by side: objects that part, roles that come and go, schemas that are made', () => {
    const before = aGraph({ roles, groups: [someTables(['play', 'note'], [anEntry('ann', 'SELECT')])] });
    const after = aGraph({
      roles: [...roles.filter(({ name }) => name !== 'eve'), aRole('new')],
      groups: [
        someTables(['play'], [anEntry('ann', 'SELECT')]),
        someTables(['note'], [anEntry('new', 'SELECT')]),
        { kind: 'schema', schema: undefined, owner: 'owner', acl: [anEntry('new', 'USAGE')], isCatalog: false, names: ['made'] },
      ],
    });
    const cells = cellsOf(before, after);
    expect(cells['core.play']).toMatchObject({ ann: 'g-------', eve: '-------- → ', new: ' → --------' });
    expect(cells['core.note']).toMatchObject({ ann: 'g------- → --------', new: ' → g-------' });
    expect(cells['schema made']).toMatchObject({ new: ' → g-', ann: ' → --' });
  });
});
