import { dateOf, invalidSource, sha1Of, stringOf, textOf } from './source.ts';
import type { FoundUnits, SourceFile, SourceRow, SourceTool, SourceUnit } from './source.ts';

const CHANGE = /^\s*([^@#%\s][^\s[]*)(?:\s+\[[^\]]*\])?\s+(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)\s/;
const TAG = /^\s*@(\S+)\s+\d{4}-/;

/** Sqitch: a plan of changes, each with a script to deploy, to revert and to verify; a registry in a schema of its own. */
export const SQITCH: SourceTool = {
  name: 'sqitch',
  product: 'Sqitch',
  table: 'sqitch.changes',
  columns: ['change_id', 'script_hash', 'change', 'project', 'planned_at', 'committed_at'],
  without: [],
  directories: ['.', 'sqitch', 'db'],
  reads: (path) => path === 'sqitch.plan' || /^(deploy|revert|verify)\/.*\.sql$/.test(path),
  rowsSql: (table) => `select change, project, script_hash, pg_catalog.to_json(committed_at) as committed, committer_name,
    to_char(planned_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as planned from ${table} order by committed_at, planned_at`,
  units: unitsOf,
  history: (records, units) => {
    const project = units[0]?.id.split(':', 1)[0];
    const others = new Set(
      records.flatMap((record) => stringOf(record['project']) ?? []).filter((name) => project !== undefined && name !== project),
    );
    const own = records.filter((record) => !others.has(stringOf(record['project']) ?? ''));
    return {
      rows: own.map((record): SourceRow => {
        const [change = '', planned = ''] = [stringOf(record['change']), stringOf(record['planned'])];
        const base = { id: `${stringOf(record['project']) ?? ''}:${change}@${planned}`, label: change, order: [digits(planned)] };
        const who = stringOf(record['committer_name']);
        return { ...base, finishedAt: dateOf(record['committed']), tookMs: 0, appliedBy: who, check: stringOf(record['script_hash']) };
      }),
      problems: [],
      warnings: [...others].map((name) => `project ${name} is in the same registry and not imported: name its directory with --dir`),
    };
  },
};

/** The changes in the plan's order. One that was reworked has its earlier scripts under the name of the tag after it. */
function unitsOf(files: readonly SourceFile[]): FoundUnits {
  const plan = files.find(({ path }) => path === 'sqitch.plan');
  if (plan === undefined) return { units: [], warnings: [] };
  const lines = textOf(plan).split('\n');
  const project = lines.map((line) => /^%project=(\S+)/.exec(line)?.[1]).find((name) => name !== undefined);
  if (project === undefined) throw invalidSource('sqitch.plan: names no project', 'Is it the plan of Sqitch?');
  const changes: { name: string; planned: string; reworkedAt: string | undefined }[] = [];
  const latest = new Map<string, number>();
  let lastTag: string | undefined;
  for (const line of lines) {
    const tag = TAG.exec(line)?.[1];
    if (tag !== undefined) lastTag = tag;
    const [, name, planned] = CHANGE.exec(line) ?? [];
    if (name === undefined || planned === undefined) continue;
    const before = changes[latest.get(name) ?? -1];
    if (before !== undefined) before.reworkedAt = lastTag;
    latest.set(name, changes.length);
    changes.push({ name, planned, reworkedAt: undefined });
  }
  const texts = new Map(files.map((file) => [file.path, file]));
  let newest = '0';
  const units = changes.flatMap(({ name, planned, reworkedAt }, index): readonly SourceUnit[] => {
    const script = reworkedAt === undefined ? `${name}.sql` : `${name}@${reworkedAt}.sql`;
    const read = (kind: string): SourceFile | undefined => texts.get(`${kind}/${script}`);
    const [deploy, revert, verify] = [read('deploy'), read('revert'), read('verify')];
    if (digits(planned) > newest) newest = digits(planned);
    if (deploy === undefined) return [];
    return [
      {
        id: `${project}:${name}@${planned}`,
        label: name,
        order: [newest, String(index)],
        path: `deploy/${script}`,
        version: planned.replaceAll(/[-:Z]/g, ''),
        title: name.replaceAll('/', '_'),
        up: textOf(deploy),
        down: revert === undefined ? undefined : textOf(revert),
        // Scripts of a change that was reworked say what is no longer so.
        verify: verify === undefined || reworkedAt !== undefined ? undefined : textOf(verify),
        transaction: true,
        check: sha1Of(deploy.bytes),
        placeholder: undefined,
      },
    ];
  });
  return { units, warnings: [] };
}

function digits(time: string): string {
  return time.replaceAll(/\D/g, '');
}
