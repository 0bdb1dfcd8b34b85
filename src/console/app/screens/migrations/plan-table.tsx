import { formatBytes } from '../../../../base/bytes.ts';
import { formatDuration } from '../../../../base/durations.ts';
import { rowsOf } from '../../parts/rows.ts';
import { counted } from '../../words.ts';
import type { Blocks, Effect, Finding, PlanDocument, PlannedFile, PlannedStatement } from './documents.ts';

const WORDS: Readonly<Record<Blocks, string>> = { 'reads+writes': 'reads, writes', writes: 'writes', nothing: 'nothing' };

/** Each pending statement: its strongest lock, whom that stops, what it does with how large a table, how long it took in rehearsal. */
export function PlanTable({ plan }: { readonly plan: PlanDocument }) {
  return (
    <table class="stackt plan">
      <thead>
        <tr>
          <th>#</th>
          <th>Statement</th>
          <th>Lock</th>
          <th>Blocks</th>
          <th>Work</th>
          <th class="num">Table</th>
          <th class="num">Expected</th>
        </tr>
      </thead>
      {plan.versioned.map((file) => (
        <FileRows key={file.version} file={file} findings={plan.findings.filter((finding) => finding.file === file.path)} />
      ))}
      {plan.routines.length === 0 ? null : (
        <tbody>
          {plan.routines.map(({ name, change, drift }) => (
            <tr key={name} class="group">
              <th scope="rowgroup" colSpan={7}>
                <code>{name}</code> <span class="tag acc">routine {change}</span>
                {drift.length === 0 ? null : (
                  <>
                    {' '}
                    <span class="tag warn">somebody changed it in the database</span>
                  </>
                )}
              </th>
            </tr>
          ))}
        </tbody>
      )}
    </table>
  );
}

function FileRows({ file, findings }: { readonly file: PlannedFile; readonly findings: readonly Finding[] }) {
  const grave = findings.filter(({ severity }) => severity !== 'notice').length;
  return (
    <tbody>
      <tr class="group">
        <th scope="rowgroup" colSpan={7}>
          <code>{file.file}</code> <span class="tag">{file.transaction ? 'one transaction' : 'no-transaction'}</span>
          {grave === 0 ? null : (
            <>
              {' '}
              <span class="tag warn">{counted(grave, 'hazard')}</span>
            </>
          )}
        </th>
      </tr>
      {file.statements.map((statement) => (
        <StatementRow key={statement.number} statement={statement} />
      ))}
    </tbody>
  );
}

function StatementRow({ statement }: { readonly statement: PlannedStatement }) {
  const { number, line, text, done, expectedMs } = statement;
  const main = statement.effects.find(({ isNew }) => !isNew);
  return (
    <tr>
      <td data-l="statement">
        {number}
        <span class="vh">, line {line}</span>
      </td>
      <td class="w0">
        <code>{oneLine(text)}</code>
      </td>
      {done ? (
        <td colSpan={5}>done by an interrupted run</td>
      ) : (
        <>
          <td data-l="lock">{main === undefined ? nothing(statement) : `${main.lock}${also(statement)}`}</td>
          <td data-l="blocks" class="nowrap">
            {main === undefined ? '–' : WORDS[main.blocks]}
          </td>
          <td data-l="work">{main === undefined ? '–' : workOf(main)}</td>
          <td data-l="table" class="num">
            {main === undefined ? '–' : sizeOf(main)}
          </td>
          <td data-l="expected" class="num">
            {expectedMs === null ? 'not rehearsed' : formatDuration(expectedMs)}
          </td>
        </>
      )}
    </tr>
  );
}

function nothing({ opaque, effects }: PlannedStatement): string {
  return opaque ? 'not known before' : effects.length > 0 ? 'only what it made' : 'none on a table';
}

function also({ effects, opaque }: PlannedStatement): string {
  const others = new Set(effects.filter(({ isNew }) => !isNew).map(({ relation }) => relation)).size - 1;
  return `${others < 1 ? '' : ` and ${others} more`}${opaque ? ', and what it runs' : ''}`;
}

function workOf({ work, assumed, blocks }: Effect): string {
  const unsure = assumed === null ? '' : ` (${assumed})`;
  if (work === 'rewrite') return `writes the table anew${unsure}`;
  if (work === 'build') return 'builds an index';
  if (work === 'scan') return `reads every row${unsure}`;
  return blocks === 'nothing' ? '–' : 'no rewrite';
}

function sizeOf({ rows, sizeBytes, relation }: Effect): string {
  if (sizeBytes === null) return relation;
  return `${rows === null ? '' : `${rowsOf(rows)}, `}${formatBytes(sizeBytes)}`;
}

function oneLine(text: string): string {
  const line = text.slice(0, 400).replaceAll(/\s+/g, ' ');
  return line.length > 120 ? `${line.slice(0, 119)}…` : line;
}
