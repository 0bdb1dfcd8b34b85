import { rangeName, showRelation } from '../../effects/relation-name.ts';
import { lockLevel, lockOfLevel } from '../../effects/lock-modes.ts';
import { asNode, asNodes, asText, namesOf, visitNodes } from '../../sql/parser.ts';
import { alterParts, effectOn, isFresh, oneLine, type Hit, type Rule, type Step } from '../rule.ts';

export const dangerousSql: Rule = {
  id: 'dangerous-sql',
  summary: 'ALTER SYSTEM, COPY PROGRAM, untrusted languages, LOCK TABLE, SET without LOCAL, SECURITY DEFINER without search_path',
  why: 'It reaches beyond this database, outlives the file, or lets others do what only its owner may.',
  safe: 'see each finding',
  on: [],
  check: (step) => CHECKS[step.type]?.(step) ?? calls(step),
};

const CHECKS: Readonly<Record<string, (step: Step) => readonly Hit[]>> = {
  AlterSystemStmt: (step) => [
    {
      message: oneLine(step.text, 80),
      weight: 'error',
      why: 'It changes postgresql.auto.conf for the whole cluster, cannot run in a transaction, and no migration takes it back.',
      safe: 'ALTER DATABASE … SET or ALTER ROLE … SET for one database or role; else the configuration of the server, outside migrations',
    },
  ],
  CopyStmt: ({ fields }) =>
    fields['is_program'] !== true
      ? []
      : [
          {
            message: `COPY ${fields['is_from'] === true ? 'FROM' : 'TO'} PROGRAM`,
            weight: 'error',
            why: 'The database server runs a shell command with the rights of its operating-system user.',
            safe: 'COPY … FROM stdin with the data in the file, or a loader outside the server',
          },
        ],
  CreateExtensionStmt: ({ fields }) => untrusted(asText(fields['extname']) ?? '', 'CREATE EXTENSION'),
  CreatePLangStmt: ({ fields }) => untrusted(asText(fields['plname']) ?? '', 'CREATE LANGUAGE'),
  LockStmt: (step) => lockedTables(step),
  VariableSetStmt: (step) => setWithoutLocal(step),
  CreateFunctionStmt: (step) => routine(step),
  AlterFunctionStmt: (step) =>
    definer(asNodes(step.fields['actions']), namesOf(asNode(asNode(step.fields['func']))['objname']).join('.'), false),
  AlterTableStmt: (step) =>
    alterParts(step, 'AT_ReplicaIdentity').flatMap((part): readonly Hit[] => {
      if (part.definition['identity_type'] !== 'f') return [];
      return [
        {
          message: `REPLICA IDENTITY FULL of ${showRelation(part.relation)}`,
          weight: 'moment',
          effect: part.effect,
          why: 'From now on each UPDATE and DELETE writes the whole old row to the WAL, and subscribers look rows up by reading the whole table.',
          safe: `a unique index on columns that are NOT NULL, and ALTER TABLE ${showRelation(part.relation)} REPLICA IDENTITY USING INDEX …;`,
        },
      ];
    }),
};

const UNTRUSTED: ReadonlySet<string> = new Set(['plperlu', 'plpythonu', 'plpython2u', 'plpython3u', 'pltclu', 'plsh']);

function untrusted(language: string, what: string): readonly Hit[] {
  if (!UNTRUSTED.has(language)) return [];
  return [
    {
      message: `${what} ${language}`,
      weight: 'error',
      why: 'Functions in an untrusted language do anything the operating-system user of the server can.',
      safe: 'PL/pgSQL, or a trusted language (plperl, pltcl)',
    },
  ];
}

function lockedTables(step: Step): readonly Hit[] {
  const lock = lockOfLevel(Number(step.fields['mode'] ?? 8));
  if (lockLevel(lock) < lockLevel('Share')) return [];
  return asNodes(step.fields['relations']).flatMap((each): readonly Hit[] => {
    const table = rangeName(each['RangeVar']);
    if (table === undefined || isFresh(table, step)) return [];
    return [
      {
        message: `LOCK TABLE ${showRelation(table)}`,
        weight: 'moment',
        effect: effectOn(table, step.effects(), step),
        why: 'Others wait from here to the end of the transaction, whatever it does.',
        safe: 'leave it out: each statement takes the lock it needs; for writers among each other pg_advisory_xact_lock',
      },
    ];
  });
}

function setWithoutLocal(step: Step): readonly Hit[] {
  const { fields } = step;
  const name = asText(fields['name']) ?? '';
  if (name === 'session_replication_role' && fields['kind'] === 'VAR_SET_VALUE') {
    const why = 'Triggers do not fire and foreign keys are not checked until it is set back: rows without their parents stay.';
    return [
      {
        message: 'SET session_replication_role',
        weight: 'warning',
        why,
        safe: 'ALTER TABLE … DISABLE TRIGGER of the one trigger that is in the way',
      },
    ];
  }
  const isPlain = fields['kind'] === 'VAR_SET_VALUE' || fields['kind'] === 'VAR_SET_DEFAULT';
  if (!isPlain || fields['is_local'] === true || (!step.inTransaction && step.inside.length === 0) || step.state.said.has('set')) return [];
  step.state.said.add('set');
  const outlives =
    step.runs === 'later'
      ? 'the call, and changes what its caller does next'
      : 'the transaction, and holds for what runs in this session next';
  const directive = /^(lock|statement)_timeout$/.test(name)
    ? `-- dbadmin: ${name.replace('_', '-')} … as a directive of the file, or `
    : '';
  const safe = step.runs === 'later' ? `SET ${name} as a clause of CREATE FUNCTION, or SET LOCAL` : `${directive}SET LOCAL ${name}`;
  return [
    { message: `SET ${name} without LOCAL`, weight: step.runs === 'later' ? 'warning' : 'notice', why: `It outlives ${outlives}.`, safe },
  ];
}

function routine(step: Step): readonly Hit[] {
  const options = asNodes(step.fields['options']);
  const language = asText(asNode(asNode(option(options, 'language')['arg'])['String'])['sval']) ?? '';
  const name = namesOf(step.fields['funcname']).join('.');
  const what = step.fields['is_procedure'] === true ? 'procedure' : 'function';
  return [...untrusted(language.toLowerCase(), `${what} ${name} in`), ...definer(options, name, step.fields['sql_body'] !== undefined)];
}

/** `isResolved`: the names in its body were looked up when it was made. */
function definer(options: readonly Readonly<Record<string, unknown>>[], name: string, isResolved: boolean): readonly Hit[] {
  const security = asNode(option(options, 'security')['arg']);
  const isDefiner = asNode(security['Boolean'])['boolval'] === true || asNode(security['Integer'])['ival'] === 1;
  const setsPath = options.some((each) => {
    const setting = asNode(asNode(each['DefElem'])['arg'])['VariableSetStmt'];
    return asNode(each['DefElem'])['defname'] === 'set' && asNode(setting)['name'] === 'search_path';
  });
  if (!isDefiner || setsPath || isResolved) return [];
  return [
    {
      message: `${name} is SECURITY DEFINER without a search_path of its own`,
      weight: 'warning',
      why: 'Its caller chooses the search_path, and with it which table or function an unqualified name in the body means: theirs, run with the rights of the owner.',
      safe: 'SET search_path = pg_catalog, pg_temp as a clause of CREATE FUNCTION, and every other name with its schema',
    },
  ];
}

function option(options: readonly Readonly<Record<string, unknown>>[], name: string): Readonly<Record<string, unknown>> {
  return asNode(options.find((each) => asNode(each['DefElem'])['defname'] === name)?.['DefElem']);
}

/** Functions that act on other sessions, the server's files or its configuration. */
const FUNCTIONS: Readonly<Record<string, string>> = {
  pg_terminate_backend: 'It ends the session of somebody else, whatever that was doing.',
  pg_cancel_backend: 'It cancels the statement of somebody else.',
  pg_read_file: 'It reads a file of the server.',
  pg_read_binary_file: 'It reads a file of the server.',
  pg_ls_dir: 'It reads a directory of the server.',
  lo_import: 'It reads a file of the server.',
  lo_export: 'It writes a file of the server.',
  pg_promote: 'It makes a standby a primary.',
  pg_reload_conf: 'It reloads the configuration of the whole cluster.',
  pg_rotate_logfile: 'It acts on the whole cluster.',
  pg_switch_wal: 'It acts on the whole cluster.',
  pg_drop_replication_slot: 'A standby, subscriber or receiver loses its place.',
  dblink_exec: 'It writes to another database, outside this transaction.',
};
const ANY_FUNCTION = new RegExp(String.raw`\b(${Object.keys(FUNCTIONS).join('|')})\b`);

function calls(step: Step): readonly Hit[] {
  // The tree of a long INSERT is not worth walking for a name that is not even in its text.
  if (!ANY_FUNCTION.test(step.text) || step.type === 'DoStmt') return [];
  const called = new Set<string>();
  visitNodes([step.fields], (type, fields) => {
    const name = type === 'FuncCall' ? (namesOf(fields['funcname']).at(-1) ?? '') : '';
    if (FUNCTIONS[name] !== undefined) called.add(name);
  });
  return [...called].map((name): Hit => {
    return { message: `${name}()`, weight: 'warning', why: FUNCTIONS[name] ?? '', safe: 'do it by hand, outside migrations' };
  });
}
