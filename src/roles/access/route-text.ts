import { printable } from '../../base/printable.ts';
import type { Step } from './closure.ts';
import type { Way } from './paths.ts';
import type { Route } from './routes.ts';
import { shownName } from './target.ts';

/**
 * A route in words: `member of app_writer (inherit) → app_reader → SELECT (email) granted by app_owner`. `privilege` is the word
 * for what is granted, which may be several: `SELECT, INSERT`.
 */
export function routeText(route: Route, privilege: string): string {
  return printable(plainText(route, privilege));
}

function plainText(route: Route, privilege: string): string {
  switch (route.kind) {
    case 'now':
      return wayText(route.way, privilege);
    case 'set-role':
      return `only after SET ROLE ${shownName(route.role)} (${[...throughText(route.steps), wayText(route.way, privilege)].join('; ')})`;
    case 'view':
      return `through view ${qualified(route.view)}, which reads as ${shownName(route.view.owner)} (${plainText(route.access, 'SELECT')})`;
    case 'routine': {
      const { routine, evidence, access } = route;
      const what = { 'names-it': 'names it', 'composes-sql': 'runs SQL that it puts together', 'cannot-be-read': 'cannot be looked into' }[
        evidence
      ];
      const name = `${shownName(routine.schema)}.${routine.name}`;
      return `through function ${name}, which acts as ${shownName(routine.owner)} and ${what} (${plainText(access, 'EXECUTE')})`;
    }
    case 'admin':
      return `may grant itself ${shownName(route.role)} (${wayText(route.way, privilege)})`;
    default:
      return '';
  }
}

/** The memberships that lead to a role, where there is more than one step. */
function throughText(steps: readonly Step[]): readonly string[] {
  const between = steps.slice(0, -1).map(({ role }) => shownName(role));
  return between.length === 0 ? [] : [`through ${between.join(' → ')}`];
}

function qualified({ schema, name }: { readonly schema: string; readonly name: string }): string {
  return `${shownName(schema)}.${shownName(name)}`;
}

function wayText({ steps, ground }: Way, privilege: string): string {
  const chain = steps.map(({ role, by }, index) => {
    const name = by === 'database-owner' ? 'pg_database_owner (it owns the database)' : shownName(role);
    return index === 0 && by !== 'database-owner' ? `member of ${name} (inherit)` : name;
  });
  switch (ground.kind) {
    case 'superuser':
      return 'superuser';
    case 'owner':
      return [...chain, 'owner'].join(' → ');
    case 'predefined':
      return chain.length === 0 ? `is ${ground.role}` : chain.join(' → ');
    case 'entry': {
      if (ground.isOwner) return [...chain, 'owner'].join(' → ');
      const column = ground.column === undefined ? '' : ` (${shownName(ground.column)})`;
      const whom = ground.grantee.kind === 'public' ? ' to PUBLIC' : '';
      const option = ground.grantable ? ' with grant option' : '';
      return [...chain, `${privilege}${column}${whom} granted by ${shownName(ground.grantor)}${option}`].join(' → ');
    }
    default:
      return '';
  }
}
