import type { CommandSpec, OptionSpec } from '../command.ts';

const USERS: OptionSpec = { flags: '--users <file>', summary: 'the file of users; by default in the state directory of this user' };

export const CONSOLE_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'console serve',
    isDefault: true,
    summary: 'the web console: what can be restored, what needs somebody, what runs next',
    description: `Serves a web application for this project and goes on until it is stopped. Everything it shows is what the commands print with
--json. It listens on loopback unless told otherwise; any other address needs a certificate (--tls-cert, --tls-key) or
--behind-proxy, and somebody who may sign in: users (dbadmin console user add), or a provider of OpenID Connect that
dbadmin.yaml names under console: oidc.

On loopback and without any users it prints a link that signs in once, to whoever sees this terminal. Clusters are read in sessions that
cannot write, as the role that clusters.NAME.reading names in dbadmin.yaml, where one is named.

Operators act by commands, too: the plan is shown first, and what was shown is run once, as a process of its own with all that dbadmin.yaml
gives, its log live in the browser. It ends with the console: that asks it to stop, and waits. What shall go on is a job of the worker.

Every sign-in and every action is written to the audit trail before it is done; where that cannot be written, nothing is done.

$ dbadmin console
$ dbadmin console --listen 0.0.0.0:9443 --host dba.example.org --tls-cert cert.pem --tls-key key.pem
$ dbadmin console --listen 10.0.0.5:9188 --behind-proxy --host dba.example.org`,
    options: [
      { flags: '--listen <address>', summary: 'where it is served', fallback: '127.0.0.1:9188' },
      { flags: '--host <name>', summary: 'a name under which browsers reach it', repeatable: true },
      { flags: '--tls-cert <file>', summary: 'its certificate with the chain, PEM' },
      { flags: '--tls-key <file>', summary: 'the key of the certificate, PEM' },
      { flags: '--behind-proxy', summary: 'a proxy in front of it ends TLS and says who asks (x-forwarded-for)' },
      USERS,
      { flags: '--audit <file>', summary: 'the audit trail; by default in the state directory of this user' },
    ],
    json: ['url: where it was served', 'signIns: how many signed in'],
    load: async () => await import('./console.ts'),
  },
  {
    name: 'console user add',
    summary: 'let somebody sign in to the console, or give them another password or role',
    description: `The password is typed unseen, or taken from a file's first line or an environment variable. Only its scrypt digest is kept, in
a file that nobody else can read. A running console takes the change at once: sessions of that user end.

$ dbadmin console user add asha --role operator`,
    args: [{ form: '<name>', summary: 'with which they sign in' }],
    options: [
      {
        flags: '--role <role>',
        summary: 'a viewer sees everything, an operator also acts',
        choices: ['viewer', 'operator'],
        fallback: 'viewer',
      },
      { flags: '--replace', summary: 'somebody of that name is there already: give them this password and role' },
      { flags: '--password-file <file>', summary: 'the password is its first line' },
      { flags: '--password-env <name>', summary: 'the password is in this environment variable' },
      USERS,
    ],
    json: ['user, role', 'file: where the users are kept'],
    load: async () => await import('./user-add.ts'),
  },
  {
    name: 'console user list',
    summary: 'who may sign in to the console, and as what',
    options: [USERS],
    json: ['users: array of { name, role }', 'file: where the users are kept'],
    load: async () => await import('./user-list.ts'),
  },
  {
    name: 'console user remove',
    summary: 'let somebody sign in no more',
    description: 'A running console ends their sessions at once.',
    args: [{ form: '<name>', summary: 'with which they signed in' }],
    options: [USERS],
    json: ['user: who was removed', 'file: where the users are kept'],
    load: async () => await import('./user-remove.ts'),
  },
];
