import type { CommandSpec, OptionSpec } from '../command.ts';
import { ROLES_FILE } from './group.ts';

const MAINTENANCE: OptionSpec = {
  flags: '--maintenance-db <name>',
  summary: 'the database to connect to for what belongs to the whole cluster',
  fallback: 'postgres',
};
const DATABASE: OptionSpec = { flags: '--database <name>', summary: 'this database only; may be given several times', repeatable: true };

export const ROLES_COMPARE_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'roles import',
    summary: 'a roles.yaml of what a cluster is',
    description: `Reads roles, memberships, settings, owners, privileges, default privileges and row security, and writes the file that says just that.
Privileges that several roles or schemas share become profiles. A line stands for many privileges only where all of them are
there, so nothing is widened. Before anything is written the plan of the new file is made, and must be empty.

Passwords are not read: whoever has one keeps it. What the file has no words for is named in its first lines. A file that is there
already is left alone without --overwrite.

$ dbadmin roles import --humans 'human_*'
$ dbadmin roles import --url postgresql://postgres@db.example/postgres --print`,
    options: [
      { flags: '--out <path>', summary: 'the file to write (default: paths.roles of the configuration)' },
      { flags: '--print', summary: 'print the file instead of writing it' },
      { flags: '--overwrite', summary: 'replace a file that is there' },
      DATABASE,
      { flags: '--roles <glob>', summary: 'these roles only; may be given several times', repeatable: true },
      { flags: '--humans <glob>', summary: 'login roles that are people; the others become services', repeatable: true },
      { flags: '--by-name', summary: 'name every object; no line that means a whole schema' },
      { flags: '--draft', summary: 'write the file even if its plan is not empty; exit 2' },
      MAINTENANCE,
    ],
    json: [
      'file: the path written; roles, profiles, databases, accessLines, grantLines: how many',
      'inSync: true when the plan of the file is empty; differences: what it would change, as lines',
      'leftOut: array of sentences: what is not in the file',
    ],
    load: async () => await import('./import.ts'),
  },
  {
    name: 'roles diff',
    summary: 'two clusters, databases or roles files compared',
    description: `Each side is a cluster of the configuration (staging), one of its databases (staging/music), a URL, or a roles file (*.yaml).
Two databases may have different names. Tables that only one side has are named once, without their privileges. Of passwords only
the kind can be compared. A file against a cluster is the plan of that file. Exit 0 the same, 2 different.

$ dbadmin roles diff main staging
$ dbadmin roles diff main/music staging/music_test
$ dbadmin roles diff roles/roles.yaml roles/staging.yaml`,
    args: [
      { form: '<left>', summary: 'one side' },
      { form: '<right>', summary: 'the other' },
    ],
    options: [MAINTENANCE],
    json: [
      'left, right: the sides; same: true when nothing differs',
      'differences: array of { section, subject, text, left, right }; left and right are what each side has, null where it has nothing',
    ],
    load: async () => await import('./diff.ts'),
  },
  {
    name: 'roles graph',
    summary: 'a picture of roles, memberships and access, as a Mermaid flowchart',
    description: `An arrow goes from a member to the role it is in; a dotted one to the schemas and databases where a role may do something. Of
the roles file, or of the cluster with --live.

$ dbadmin roles graph > roles.mmd
$ dbadmin roles graph --live --role 'svc_*' --markdown >> docs/access.md`,
    options: [
      ROLES_FILE,
      { flags: '--live', summary: 'the cluster as it is, instead of the file' },
      { flags: '--role <glob>', summary: 'only these roles and those they are connected with', repeatable: true },
      { flags: '--memberships', summary: 'without what they may do' },
      { flags: '--markdown', summary: 'fenced, for a Markdown file' },
      DATABASE,
      MAINTENANCE,
    ],
    json: [
      'roles: array of { name, kind: login, group, predefined or outside, powers }',
      'memberships: array of { member, role, options, until: ISO 8601, missing where the file does not end it }',
      'access: array of { role (missing for PUBLIC), database, schema (missing for the database), what: array of words }',
      'mermaid: the text',
    ],
    load: async () => await import('./graph.ts'),
  },
];
