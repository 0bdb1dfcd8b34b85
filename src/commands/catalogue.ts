import type { CommandSpec } from './command.ts';
import { ALERTS_COMMANDS } from './alerts/group.ts';
import { CONSOLE_COMMANDS } from './console/group.ts';
import { BACKUP_COMMANDS } from './backup/group.ts';
import { TABLE_COMMANDS } from './backup/table-group.ts';
import { PROVE_COMMANDS } from './backup/prove-group.ts';
import { RETENTION_COMMANDS } from './backup/retention-group.ts';
import { MIGRATE_COMMANDS } from './migrate/group.ts';
import { LINT_COMMANDS } from './migrate/group-lint.ts';
import { REHEARSE_COMMANDS } from './migrate/group-rehearse.ts';
import { MIGRATE_SCHEMA_COMMANDS } from './migrate/group-schema.ts';
import { MIGRATE_UNDO_COMMANDS } from './migrate/group-undo.ts';
import { PROJECT_COMMANDS } from './project/group.ts';
import { COMPLETION_COMMANDS } from './completion/group.ts';
import { DOCTOR_COMMANDS } from './doctor/group.ts';
import { DOCS_COMMANDS } from './project/group-docs.ts';
import { REPOSITORY_COMMANDS } from './repository/group.ts';
import { UPKEEP_COMMANDS } from './repository/upkeep-group.ts';
import { RESTORE_COMMANDS } from './restore/group.ts';
import { ROLES_COMMANDS } from './roles/group.ts';
import { ROLES_COMPARE_COMMANDS } from './roles/group-compare.ts';
import { ROLES_ACCESS_COMMANDS } from './roles/group-access.ts';
import { ROLES_AUDIT_COMMANDS } from './roles/group-audit.ts';
import { SCHEDULE_COMMANDS } from './schedule/group.ts';
import { WORKER_COMMANDS } from './worker/group.ts';
import { STATUS_COMMANDS } from './status/group.ts';
import { SPOTIFY_COMMANDS } from './spotify/group.ts';
import { SPOTIFY_API_COMMANDS } from './spotify/group-api.ts';
import { SPOTIFY_RECOMMEND_COMMANDS } from './spotify/group-recommend.ts';
import { SPOTIFY_REPORT_COMMANDS } from './spotify/group-report.ts';
import { UNINSTALL_COMMANDS } from './uninstall/group.ts';
import { FIND_COMMANDS } from './wal/find-group.ts';
import { WAL_COMMANDS } from './wal/group.ts';

/** Every command, in the order of the manual. Specs are light; the code of a command is imported when it runs. */
export const COMMANDS: readonly CommandSpec[] = [
  ...PROJECT_COMMANDS,
  ...DOCTOR_COMMANDS,
  ...DOCS_COMMANDS,
  ...MIGRATE_COMMANDS,
  ...LINT_COMMANDS,
  ...REHEARSE_COMMANDS,
  ...MIGRATE_SCHEMA_COMMANDS,
  ...MIGRATE_UNDO_COMMANDS,
  ...ROLES_COMMANDS,
  ...ROLES_COMPARE_COMMANDS,
  ...ROLES_ACCESS_COMMANDS,
  ...ROLES_AUDIT_COMMANDS,
  ...BACKUP_COMMANDS,
  ...WAL_COMMANDS,
  ...FIND_COMMANDS,
  ...RESTORE_COMMANDS,
  ...TABLE_COMMANDS,
  ...PROVE_COMMANDS,
  ...RETENTION_COMMANDS,
  ...UPKEEP_COMMANDS,
  ...REPOSITORY_COMMANDS,
  ...SCHEDULE_COMMANDS,
  ...WORKER_COMMANDS,
  ...STATUS_COMMANDS,
  ...UNINSTALL_COMMANDS,
  ...ALERTS_COMMANDS,
  ...CONSOLE_COMMANDS,
  ...COMPLETION_COMMANDS,
  ...SPOTIFY_COMMANDS,
  ...SPOTIFY_API_COMMANDS,
  ...SPOTIFY_RECOMMEND_COMMANDS,
  ...SPOTIFY_REPORT_COMMANDS,
];
