import { formatBytes } from '../base/bytes.ts';
import { formatDuration } from '../base/durations.ts';
import { quoteIdentifier } from '../postgres/quote.ts';
import { fine, remark, wrong, type Examined } from './examined.ts';
import type { ServerState } from './server-inspect.ts';

/** Past this age PostgreSQL stops taking writes at 2^31 in sight; autovacuum should have begun at a tenth of it. */
const XID_LIMIT = 1_000_000_000;

interface Wanted {
  /** How WAL comes, as the policies have it. */
  readonly walMode: 'stream' | 'archive' | 'none' | undefined;
  readonly isLocal: boolean;
}

/** What the state of a server means. */
export function judgeServer(cluster: string, state: ServerState, wanted: Wanted): readonly Examined[] {
  const { settings } = state;
  const name = (what: string): string => `${cluster} ${what}`;
  return [
    judgeRole(name('role'), state),
    judgeArchive(name('archiving'), state, wanted),
    settings.fsync === 'on' && settings.fullPageWrites === 'on'
      ? fine('server', name('durability'), 'fsync and full_page_writes are on')
      : wrong(
          'server',
          name('durability'),
          `fsync ${settings.fsync}, full_page_writes ${settings.fullPageWrites}`,
          'a crash of the machine can damage the cluster, and backups of it with it',
          'ALTER SYSTEM SET fsync = on; ALTER SYSTEM SET full_page_writes = on; SELECT pg_reload_conf();',
        ),
    settings.passwordEncryption === 'scram-sha-256'
      ? fine('server', name('passwords'), 'stored as scram-sha-256')
      : remark(
          'server',
          name('passwords'),
          `password_encryption is ${settings.passwordEncryption}`,
          'an md5 verifier is as good as the password to whoever reads it',
          "ALTER SYSTEM SET password_encryption = 'scram-sha-256'; SELECT pg_reload_conf(); then dbadmin roles rotate",
        ),
    settings.ssl === 'on' || wanted.isLocal
      ? fine('server', name('encryption on the way'), settings.ssl === 'on' ? 'TLS is on' : 'off, and the server is on this machine')
      : remark(
          'server',
          name('encryption on the way'),
          'ssl is off',
          'data and replication cross the network in the clear',
          'ALTER SYSTEM SET ssl = on, with server.crt and server.key in place',
        ),
    judgeVacuum(name('transaction ids'), state),
    ...judgeLeft(name, state),
    ...(state.pendingRestart.length === 0
      ? []
      : [
          remark(
            'server',
            name('settings'),
            `${state.pendingRestart.join(', ')} changed and not in force`,
            'what the files say comes with the next restart, planned or not',
            'restart the server when it suits',
          ),
        ]),
    judgeHba(name('pg_hba.conf'), state),
  ];
}

function judgeRole(what: string, { role }: ServerState): Examined {
  if (!role.replicates)
    return wrong(
      'server',
      what,
      `${role.name} has not REPLICATION`,
      'it can take no base backup and receive no WAL',
      `as superuser: ALTER ROLE ${quoteIdentifier(role.name)} REPLICATION;`,
    );
  return fine('server', what, `${role.name}${role.isSuperuser ? ', a superuser' : ', with REPLICATION'}`);
}

function judgeArchive(what: string, { archive }: ServerState, { walMode }: Wanted): Examined {
  const on = archive.mode !== 'off' && archive.command !== '' && archive.command !== '(disabled)';
  if (walMode === 'archive' && !on)
    return wrong(
      'server',
      what,
      `archive_mode ${archive.mode}, and the policies expect WAL by archive_command`,
      'only backups bring WAL: moments between them are lost',
      "ALTER SYSTEM SET archive_mode = on; ALTER SYSTEM SET archive_command = 'dbadmin wal push %p'; then restart",
    );
  if (walMode === 'archive' && archive.timeoutSeconds === 0)
    return remark(
      'server',
      what,
      'archive_timeout is 0',
      'a quiet database archives nothing for hours',
      "ALTER SYSTEM SET archive_timeout = '60s'; SELECT pg_reload_conf();",
    );
  return fine('server', what, on ? `archive_mode ${archive.mode}` : 'the server archives nothing itself');
}

function judgeVacuum(what: string, { xidAge, settings }: ServerState): Examined {
  if (settings.autovacuum !== 'on')
    return wrong(
      'server',
      what,
      'autovacuum is off',
      'tables grow without end, and the server stops before transaction ids run out',
      'ALTER SYSTEM SET autovacuum = on; SELECT pg_reload_conf();',
    );
  if (xidAge < XID_LIMIT) return fine('server', what, `the oldest is ${Math.round(xidAge / 1e6)} million old`);
  return wrong(
    'server',
    what,
    `the oldest is ${Math.round(xidAge / 1e6)} million old`,
    'at 2147 million the server takes no more writes',
    'VACUUM FREEZE the databases of the highest age(datfrozenxid); look for old transactions, prepared transactions and slots that hold it back',
  );
}

function judgeLeft(name: (what: string) => string, { idleSlots, sessions, leftSchemas }: ServerState): readonly Examined[] {
  return [
    idleSlots.length === 0
      ? fine('server', name('our slots'), 'none without a reader')
      : wrong(
          'server',
          name('our slots'),
          idleSlots
            .map(
              (slot) =>
                `nobody reads ${slot.name}${slot.keptBytes === undefined ? '' : `, for which ${formatBytes(slot.keptBytes)} of WAL are kept`}`,
            )
            .join('; '),
          'the disk of pg_wal fills until the database stops',
          `dbadmin worker or dbadmin wal receive; or give up: ${idleSlots.map((slot) => `SELECT pg_drop_replication_slot('${slot.name}');`).join(' ')}`,
        ),
    sessions.length === 0
      ? fine('server', name('our sessions'), 'none is stuck')
      : wrong(
          'server',
          name('our sessions'),
          sessions.map((each) => `${each.name} (pid ${each.pid}) ${each.state} for ${formatDuration(each.sinceMs)}`).join('; '),
          'they hold locks, and keep vacuum from removing what is dead',
          sessions.map((each) => `SELECT pg_terminate_backend(${each.pid});`).join(' '),
        ),
    ...(leftSchemas.length === 0
      ? []
      : [
          wrong(
            'server',
            name('left behind'),
            `schema ${leftSchemas.join(', ')}`,
            'an interrupted run left it',
            leftSchemas.map((schema) => `DROP SCHEMA ${schema} CASCADE;`).join(' '),
          ),
        ]),
  ];
}

function judgeHba(what: string, { hba }: ServerState): Examined {
  if (hba === undefined)
    return {
      area: 'server',
      what,
      state: 'unknown',
      detail: 'the role may not read it',
      why: undefined,
      fix: 'GRANT EXECUTE ON FUNCTION pg_hba_file_rules() TO …; GRANT SELECT ON pg_hba_file_rules TO …; as superuser',
    };
  if (hba.faults.length > 0)
    return wrong(
      'server',
      what,
      hba.faults.join('; '),
      'with the next reload or start these lines fail, and the rest with them',
      'mend the lines, then SELECT pg_reload_conf();',
    );
  if (hba.trusted.length > 0)
    return wrong(
      'server',
      what,
      hba.trusted.join('; '),
      'whoever reaches the port is let in without a password, or sends it in the clear',
      'write scram-sha-256 in place of it, then SELECT pg_reload_conf();',
    );
  return fine('server', what, 'no faults, and nobody from elsewhere is trusted');
}
