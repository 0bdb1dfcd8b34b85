import { granteeText } from '../../state.ts';
import { revokeSql } from '../close.ts';
import type { AuditRule, Finding, Severity } from '../finding.ts';
import type { HostRule } from '../state.ts';
import { entriesOfOthers, holdersText } from '../world.ts';

type Found = Omit<Finding, 'rule'>;

/** Parameters by which a session, or ALTER SYSTEM, comes to run code or to get around checks. */
const DANGEROUS: Readonly<Record<string, string>> = {
  archive_cleanup_command: 'makes the server run a command',
  archive_command: 'makes the server run a command',
  archive_library: 'loads a library into the server',
  config_file: 'says where the configuration is',
  dynamic_library_path: 'says where libraries are loaded from',
  extension_control_path: 'says where extensions are loaded from',
  external_pid_file: 'makes the server write a file',
  hba_file: 'says who may log in',
  ident_file: 'says who may log in as whom',
  jit_provider: 'loads a library into the server',
  local_preload_libraries: 'loads a library into sessions',
  primary_conninfo: 'says whom a standby follows',
  recovery_end_command: 'makes the server run a command',
  restore_command: 'makes the server run a command',
  session_preload_libraries: 'loads a library into sessions',
  shared_preload_libraries: 'loads a library into the server',
  ssl_passphrase_command: 'makes the server run a command',
};

const GETS_AROUND: Readonly<Record<string, string>> = {
  allow_system_table_mods: 'opens the catalog to changes by hand',
  ignore_system_indexes: "gets around the catalog's constraints",
  lo_compat_privileges: 'opens every large object',
  session_replication_role: 'switches triggers and foreign keys off',
  zero_damaged_pages: 'turns damaged pages into lost rows',
};

function weigh(parameter: string, privilege: string): { readonly severity: Severity; readonly does: string } | undefined {
  const dangerous = DANGEROUS[parameter];
  if (dangerous !== undefined) return { severity: 'critical', does: dangerous };
  const around = GETS_AROUND[parameter];
  if (around !== undefined) return { severity: 'high', does: around };
  return privilege === 'ALTER SYSTEM' ? { severity: 'medium', does: 'holds for everybody' } : undefined;
}

/** Methods that let in whoever says the name. */
const NO_PROOF = ['trust'];

function isLocal({ type, address }: HostRule): boolean {
  return (
    type === 'local' ||
    address === undefined ||
    address === '::1' ||
    address === 'localhost' ||
    address === 'samehost' ||
    address.startsWith('127.')
  );
}

export const SETTING_RULES: readonly AuditRule[] = [
  {
    name: 'dangerous-parameter',
    summary: 'SET or ALTER SYSTEM on a parameter that runs code or gets around checks',
    why: 'From 15 on parameters can be granted. Some of them name commands and libraries that the server runs.',
    find: (world) =>
      world.groups('parameter').flatMap((group) =>
        group.names.flatMap((parameter) =>
          entriesOfOthers(group).flatMap((entry): readonly Found[] => {
            const found = weigh(parameter, entry.privilege);
            const holders = world.holders(entry.grantee, undefined);
            if (found === undefined || holders.length === 0) return [];
            return [
              {
                severity: found.severity,
                subject: `parameter ${parameter}`,
                database: undefined,
                message: `${granteeText(entry.grantee)} can set what ${found.does}`,
                evidence: [
                  `${entry.privilege} to ${granteeText(entry.grantee)}, granted by ${entry.grantor}`,
                  `used by ${holdersText(holders)}`,
                ],
                sql: revokeSql(`PARAMETER ${parameter}`, group, [entry]),
              },
            ];
          }),
        ),
      ),
  },
  {
    name: 'trusted-host',
    summary: 'a line of pg_hba.conf that lets other hosts in without a proof',
    why: 'Whoever reaches the port logs in as anybody, as the superuser too.',
    find: ({ state }) =>
      state.hostRules
        .filter((rule) => NO_PROOF.includes(rule.method) && !isLocal(rule))
        .map((rule) => ({
          severity: 'critical' as const,
          subject: `${rule.file}:${rule.line}`,
          database: undefined,
          message: `lets ${rule.address ?? ''}${rule.netmask === undefined ? '' : `/${rule.netmask}`} in as ${rule.users.join(', ')} without a password`,
          evidence: [`${rule.type} ${rule.databases.join(',')} ${rule.users.join(',')} ${rule.address ?? ''} ${rule.method}`],
          sql: [],
          remark: 'No SQL closes it: write scram-sha-256 in place of trust in that line, then SELECT pg_reload_conf().',
        })),
  },
];
