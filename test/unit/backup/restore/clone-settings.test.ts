import { describe, expect, test } from 'vitest';
import { busyLibrary, cloneSettings, type CloneSettings } from '../../../../src/backup/restore/clone-settings.ts';
import { memoryBytes } from '../../../../src/backup/restore/clone-memory.ts';

const clone: CloneSettings = {
  major: 17,
  port: 55_432,
  clusterName: 'main-restored',
  socketDirectory: undefined,
  dataDirectory: '/srv/r',
  limits: { maxConnections: 300, maxWorkerProcesses: 9, maxWalSenders: 11, maxPreparedXacts: 4, maxLocksPerXact: 128 },
  walSegmentBytes: 16 * 1024 * 1024,
  libraries: new Map([['shared_preload_libraries', ['auto_explain']]]),
  original: () => undefined,
  machineBytes: 8 * 1024 ** 3,
};

function settingsOf(changes: Partial<CloneSettings> = {}): ReadonlyMap<string, string> {
  return new Map(cloneSettings({ ...clone, ...changes }));
}

describe('cloneSettings: a clone cannot harm the original', () => {
  test.each([
    ['/srv/pg', '/srv/pg'],
    ['/srv/it is', '/srv/it is'],
    ['/srv/pg,17', '"/srv/pg,17"'],
    ['/srv/pg ', '"/srv/pg "'],
    ['/srv/"pg"', '"/srv/""pg"""'],
  ])('its socket is in its own directory: %s', (socketDirectory, setting) => {
    expect(settingsOf({ socketDirectory }).get('unix_socket_directories')).toBe(setting);
  });

  test.each([
    ['it archives nothing', 'archive_mode', 'off'],
    ['nor by a command', 'archive_command', ''],
    ['nor by a library', 'archive_library', ''],
    ['it deletes no archived WAL', 'archive_cleanup_command', ''],
    ['it takes over no address when recovery ends', 'recovery_end_command', ''],
    ['it listens on loopback only', 'listen_addresses', '127.0.0.1'],
    ['on a port of its own', 'port', '55432'],
    ['its socket is for its own user', 'unix_socket_permissions', '0700'],
    ['it has a name of its own', 'cluster_name', 'main-restored'],
    ['it writes no pid file elsewhere', 'external_pid_file', '/srv/r/clone.pid'],
    ['it announces itself to nobody', 'bonjour', 'off'],
    ['commits wait for nobody', 'synchronous_standby_names', ''],
    ['it follows nobody', 'primary_conninfo', ''],
    ['it holds nobody’s slot', 'primary_slot_name', ''],
    ['it copies no slots', 'sync_replication_slots', 'off'],
    ['its subscriptions receive nothing', 'max_logical_replication_workers', '0'],
    ['it logs to its own file', 'logging_collector', 'off'],
    ['nor to syslog', 'log_destination', 'stderr'],
    ['it needs no key of the original', 'ssl', 'off'],
    ['a delay of replay does not hold it up', 'recovery_min_apply_delay', '0'],
    ['it has the limits that the WAL needs', 'max_connections', '300'],
    ['of workers', 'max_worker_processes', '9'],
    ['of WAL senders', 'max_wal_senders', '11'],
    ['of prepared transactions', 'max_prepared_transactions', '4'],
    ['of locks', 'max_locks_per_transaction', '128'],
    ['it preloads only what it may', 'shared_preload_libraries', 'auto_explain'],
    ['in sessions too', 'session_preload_libraries', ''],
    ['it needs no huge pages', 'huge_pages', 'off'],
  ])('%s (%s is %j)', (_what, name, value) => {
    expect(settingsOf().get(name)).toBe(value);
  });

  test.each([
    [14, ['recovery_prefetch', 'archive_library', 'sync_replication_slots', 'summarize_wal', 'io_method', 'wal_compression']],
    [15, ['sync_replication_slots', 'summarize_wal', 'io_method', 'stats_temp_directory']],
    [16, ['sync_replication_slots', 'promote_trigger_file', 'stats_temp_directory', 'io_method']],
    [18, ['promote_trigger_file', 'stats_temp_directory']],
  ])('PostgreSQL %i is given no setting it does not know', (major, unknown) => {
    const settings = settingsOf({ major });
    expect(unknown.filter((name) => settings.has(name))).toEqual([]);
  });

  test('a library that works by itself is known by any of its names', () => {
    expect(busyLibrary('pg_cron')).toBe('runs its jobs');
    expect(busyLibrary('$libdir/pg_cron.so')).toBe('runs its jobs');
    expect(busyLibrary('pg_task')).toBe('runs its jobs, on other servers too');
    expect(busyLibrary('pgactive')).toBe('connects to its peers');
    expect(busyLibrary('pg_stat_statements')).toBeUndefined();
  });

  test('TimescaleDB, which queries need, is kept without its jobs', () => {
    const libraries = new Map([['shared_preload_libraries', ['timescaledb']]] as const);
    expect(settingsOf({ libraries }).get('timescaledb.max_background_workers')).toBe('0');
    expect(settingsOf().has('timescaledb.max_background_workers')).toBe(false);
  });
});

describe('cloneSettings: memory fits the machine', () => {
  test('a large original is cut down to a share of the machine', () => {
    const original = (name: string): string | undefined => ({ shared_buffers: '64GB', work_mem: '1GB', maintenance_work_mem: '8GB' })[name];
    const settings = settingsOf({ original });
    expect(settings.get('shared_buffers')).toBe(`${1024 * 1024}kB`);
    expect(settings.get('work_mem')).toBe(`${32 * 1024}kB`);
    expect(settings.get('maintenance_work_mem')).toBe(`${256 * 1024}kB`);
  });

  test('a small one keeps what it had, and one that says nothing PostgreSQL’s own values', () => {
    expect(settingsOf({ original: (name) => (name === 'shared_buffers' ? '4096' : undefined) }).get('shared_buffers')).toBe('32768kB');
    expect(settingsOf().get('shared_buffers')).toBe(`${128 * 1024}kB`);
  });

  test('WAL settings hold at least two segments, without which the server does not start', () => {
    expect(settingsOf({ walSegmentBytes: 1024 ** 3 }).get('min_wal_size')).toBe('5120MB');
    expect(settingsOf({ walSegmentBytes: 1024 ** 3 }).get('max_wal_size')).toBe('10240MB');
    expect(settingsOf().get('min_wal_size')).toBe('80MB');
  });

  test.each([
    ['8GB', 8 * 1024 ** 3],
    ['16384', 16_384 * 8192],
    ['1.5MB', 1.5 * 1024 ** 2],
    ['many', undefined],
  ])('%s of pages is %j bytes', (text, bytes) => {
    expect(memoryBytes(text, 8192)).toBe(bytes);
  });
});
