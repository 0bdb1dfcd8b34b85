import {
  ROLE_ATTRIBUTES,
  type AccessRule,
  type DeclaredDatabase,
  type DeclaredRole,
  type ObjectName,
  type RolesDocument,
} from '../document/document.ts';
import { settingFact } from './cluster-facts.ts';
import type { Fact, Section } from './difference.ts';

/** What a roles file says, line by line, with its profiles written out: two files that differ in names of profiles alone are equal. */
export function documentFacts(document: RolesDocument): readonly Fact[] {
  const fact = (section: Section, subject: string, text: string, value: string): Fact => ({ section, subject, text, value });
  return [
    fact('settings', 'the file', 'mode', document.mode),
    fact('settings', 'the file', 'public', document.public.preset),
    ...document.public.keep.flatMap(({ on, privileges }) =>
      privileges.map((privilege) => fact('privileges', 'PUBLIC', `${privilege} on ${objectText(on)}`, '')),
    ),
    ...[...document.roles.values()].flatMap(roleFacts),
    ...[...document.databases.values()].flatMap((database) =>
      databaseFacts(database, document.databases.size === 1 ? '' : ` in database ${database.name}`),
    ),
    ...document.parameters.flatMap((rule) =>
      rule.to.flatMap((to) =>
        rule.parameters.flatMap((name) =>
          words(rule.privileges).map((privilege) =>
            fact('privileges', to, `${privilege} on parameter ${name}`, optionText(rule.grantable)),
          ),
        ),
      ),
    ),
  ];
}

function roleFacts(role: DeclaredRole): readonly Fact[] {
  const fact = (text: string, value: string): Fact => ({ section: 'roles', subject: role.name, text, value });
  const powers = ROLE_ATTRIBUTES.filter((attribute) => attribute !== 'inherit' && role.attributes[attribute]);
  const { password } = role;
  const source =
    password.kind === 'env' ? ` ${password.name}` : password.kind === 'file' || password.kind === 'generate' ? ` ${password.path}` : '';
  return [
    fact('role', role.kind),
    fact('attributes', [...powers, ...(role.attributes.inherit ? [] : ['noinherit'])].join(', ') || 'none'),
    fact('connection limit', role.connectionLimit === -1 ? 'none' : String(role.connectionLimit)),
    fact('valid until', role.validUntil ?? 'no end'),
    fact('comment', role.comment ?? ''),
    fact('password', `${password.kind}${source}`),
    ...role.memberOf.map((edge): Fact => {
      const inherits = edge.inherit ?? role.attributes.inherit;
      const options = [
        ...(edge.admin ? ['admin'] : []),
        ...(inherits ? [] : ['no inherit']),
        ...(edge.set ? [] : ['no set']),
        ...(edge.until === undefined ? [] : [`until ${edge.until}`]),
      ].join(', ');
      const by = edge.grantedBy === undefined ? '' : ` granted by ${edge.grantedBy}`;
      return { section: 'memberships', subject: role.name, text: `member of ${edge.role}${by}`, value: options };
    }),
    ...[...role.settings].map(([name, value]) => settingFact(role.name, name, value)),
    ...[...role.settingsIn].flatMap(([database, settings]) =>
      [...settings].map(([name, value]) => settingFact(role.name, name, value, ` in ${database}`)),
    ),
  ];
}

function databaseFacts(database: DeclaredDatabase, place: string): readonly Fact[] {
  const owner = (what: string, name: string | undefined): readonly Fact[] =>
    name === undefined ? [] : [{ section: 'owners', subject: `${what}${place}`, text: 'owner', value: name }];
  return [
    ...owner('the database', database.owner),
    ...[...(database.settings ?? [])].map(([name, value]) => settingFact(`the database${place}`, name, value)),
    ...database.connect.map((name): Fact => ({ section: 'privileges', subject: name, text: `CONNECT on the database${place}`, value: '' })),
    ...[...database.schemas.values()].flatMap((schema): readonly Fact[] => [
      { section: 'objects', subject: `schema ${schema.name}${place}`, text: 'schema', value: '' },
      ...owner(`schema ${schema.name}`, schema.owner),
      { section: 'owners', subject: `schema ${schema.name}${place}`, text: 'creators', value: [...schema.creators].sort().join(', ') },
      { section: 'owners', subject: `schema ${schema.name}${place}`, text: 'owner owns', value: [...schema.owns].sort().join(', ') },
    ]),
    ...database.owners.flatMap((rule) => owner(objectText(rule.on), rule.owner)),
    ...database.access.flatMap((rule) => ruleFacts(rule, place)),
    ...database.columns.flatMap((rule) =>
      rule.to.flatMap((to) =>
        words(rule.privileges).map((privilege): Fact => {
          const text = `${privilege} on columns of ${objectText(rule.on)}${place}`;
          return {
            section: 'privileges',
            subject: subjectOf(rule, to),
            text,
            value: `${rule.rule} ${[...rule.columns].sort().join(', ')}`,
          };
        }),
      ),
    ),
  ];
}

function subjectOf(rule: Pick<AccessRule, 'bare'>, name: string): string {
  return rule.bare === true && name === 'public' ? 'PUBLIC' : name;
}

function ruleFacts(rule: AccessRule, place: string): readonly Fact[] {
  const by = rule.grantedBy === undefined ? '' : ` granted by ${rule.grantedBy}`;
  const extra = rule.bare === true || rule.kind === 'future' ? '' : 'with the way there';
  const value = [extra, optionText(rule.grantable)].filter((each) => each !== '').join(', ');
  const facts = (section: Section, what: string, privileges: readonly string[]): readonly Fact[] =>
    rule.to.flatMap((to) =>
      privileges.map((privilege) => ({ section, subject: subjectOf(rule, to), text: `${privilege} on ${what}${by}${place}`, value })),
    );
  if (rule.kind === 'named') return facts('privileges', objectText(rule.on), words(rule.privileges));
  if (rule.kind === 'future') {
    const where = rule.schema === undefined ? 'anywhere' : `in ${rule.schema}`;
    return rule.by.flatMap((creator) =>
      facts('default privileges', `${rule.of}s that ${creator} will make ${where}`, words(rule.privileges)),
    );
  }
  const future =
    rule.by === undefined ? 'there is and will be' : rule.by.length === 0 ? 'there is' : `there is, and ${rule.by.join(', ')} will make,`;
  return rule.schemas.flatMap((schema) =>
    rule.parts.flatMap((part) => {
      const except = rule.except
        .filter((each) => each.schema === schema)
        .map((each) => each.name)
        .sort();
      const what = part.kind === 'schema' ? `schema ${schema}` : `every ${part.only ?? part.kind} ${future} in ${schema}`;
      return facts('privileges', `${what}${except.length === 0 ? '' : ` but ${except.join(', ')}`}`, words(part.privileges));
    }),
  );
}

function words(privileges: readonly string[] | 'all'): readonly string[] {
  return privileges === 'all' ? ['ALL'] : privileges;
}

function optionText(grantable: boolean): string {
  return grantable ? 'with grant option' : '';
}

function objectText(on: ObjectName | { readonly kind: 'extension'; readonly name: string }): string {
  const name = 'schema' in on ? `${on.schema}.${on.name}` : on.name;
  return `${on.kind} ${name}${on.kind === 'routine' ? `(${on.argumentTypes})` : ''}`;
}
