import { formatBytes } from '../../../../base/bytes.ts';
import { formatDuration } from '../../../../base/durations.ts';
import { Panel, Status } from '../../parts/panel.tsx';
import { rowsOf } from '../../parts/rows.ts';
import { counted, moment, type Shown } from '../../words.ts';
import type { RehearsalDocument, RehearsedFile } from './documents.ts';
import { rehearsalBars, type RehearsalBar } from './rehearsal-bars.ts';

interface RehearsalPanelProps {
  readonly rehearsal: RehearsalDocument;
  readonly limitMs: number;
  /** Versions that are pending with the text that was measured. */
  readonly current: ReadonlySet<string>;
  readonly shown: Shown;
}

/** What the last rehearsal measured, file by file. */
export function RehearsalPanel({ rehearsal, limitMs, current, shown }: RehearsalPanelProps) {
  const { at, moment: reached, backup, restoreMs, files, overLimit } = rehearsal;
  return (
    <Panel
      id="rehearsal"
      title="Rehearsal"
      aside={`${moment(at, shown)} on a clone of ${backup}, ${reached}; ready after ${formatDuration(restoreMs)}`}
    >
      {files.length === 0 ? <p class="body meta">Nothing was pending in the database as it was then.</p> : null}
      {files.map((file) => (
        <FileBars key={file.path} file={file} limitMs={limitMs} isCurrent={file.version === null || current.has(file.version)} />
      ))}
      {overLimit.length === 0 ? null : (
        <ul class="findings">
          {overLimit.map(({ file, table, blocks, blockedMs, mode, statement, hint }) => (
            <li key={`${file} ${table}`}>
              <p class="bar">
                <Status kind="bad">over the limit</Status>
                <b>
                  {blocks} of {table}
                </b>
                <span class="meta">
                  {formatDuration(blockedMs)}, {mode} taken at {statement.file}:{statement.line}
                </span>
              </p>
              <p>{hint}</p>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}

function FileBars({ file, limitMs, isCurrent }: { readonly file: RehearsedFile; readonly limitMs: number; readonly isCurrent: boolean }) {
  const { bars, spanMs, ticks } = rehearsalBars(file, limitMs);
  const limitAt = (limitMs / spanMs) * 100;
  const name = file.kind === 'routines' ? 'routines, in one transaction' : (file.path.split('/').at(-1) ?? file.path);
  const omitted = file.statements.length - bars.filter(({ kind }) => kind === 'statement').length;
  return (
    <figure class="body rehearsed">
      <figcaption class="bar">
        <code>{name}</code>
        {file.applied ? null : <Status kind="bad">failed</Status>}
        {isCurrent ? null : <Status kind="unproven">its text has changed since</Status>}
        <span class="meta">
          {formatDuration(file.tookMs)}, {formatBytes(file.walBytes)} of WAL
        </span>
      </figcaption>
      <ul class="spans">
        {bars.map((bar, at) => (
          <Bar key={at} bar={bar} spanMs={spanMs} limitAt={limitAt} />
        ))}
      </ul>
      <svg class="fluid axis-below" height="18" aria-hidden="true">
        {ticks.map((tick, at) => (
          <text
            key={tick}
            x={`${(tick / spanMs) * 100}%`}
            y="13"
            text-anchor={at === 0 ? 'start' : at === ticks.length - 1 ? 'end' : 'middle'}
          >
            {tick === 0 ? '0' : formatDuration(tick)}
          </text>
        ))}
      </svg>
      <p class="meta">
        <i class="key limit" /> limit {formatDuration(limitMs)}
        {omitted === 0 ? '' : ` · ${counted(omitted, 'shorter statement')} not drawn`}
      </p>
      <Twin file={file} />
    </figure>
  );
}

function Bar({ bar, spanMs, limitAt }: { readonly bar: RehearsalBar; readonly spanMs: number; readonly limitAt: number }) {
  const from = (bar.fromMs / spanMs) * 100;
  const width = (bar.tookMs / spanMs) * 100;
  const words = `${formatDuration(bar.tookMs)}${bar.isOver ? ', over' : ''}`;
  return (
    <li>
      <p>
        <span class={bar.kind === 'statement' ? 'mono' : undefined}>{bar.label}</span>
        {bar.isOver ? <Status kind="bad">{words}</Status> : <b>{words}</b>}
      </p>
      <svg class="fluid" height="20" role="img" aria-label={`${bar.label}: ${words}`}>
        <rect class={bar.isOver ? 'span over' : `span ${bar.kind}`} x={`${from}%`} width={`${Math.max(0.3, width)}%`} y="2" height="14" />
        <line class="lim" x1={`${limitAt}%`} x2={`${limitAt}%`} y1="0" y2="20" />
      </svg>
    </li>
  );
}

function Twin({ file }: { readonly file: RehearsedFile }) {
  return (
    <details class="twin">
      <summary>Numbers as a table</summary>
      <table class="stackt">
        <thead>
          <tr>
            <th>#</th>
            <th>Statement</th>
            <th class="num">Took</th>
            <th class="num">WAL</th>
            <th class="num">Rows</th>
            <th>Written anew</th>
          </tr>
        </thead>
        <tbody>
          {file.statements.map(({ file: place, number, text, tookMs, walBytes, rows, rewrites }) => (
            <tr key={`${place} ${number}`}>
              <td>{number}</td>
              <td class="w0">
                <code>{text}</code>
              </td>
              <td class="num" data-l="took">
                {formatDuration(tookMs)}
              </td>
              <td class="num" data-l="WAL">
                {formatBytes(walBytes)}
              </td>
              <td class="num" data-l="rows">
                {rows === null ? '–' : rowsOf(rows)}
              </td>
              <td data-l="written anew">{rewrites.map(({ relation }) => relation).join(', ') || '–'}</td>
            </tr>
          ))}
          {file.blocked.map(({ table, reads, writes }) => (
            <tr key={table}>
              <td />
              <td class="w0">others wait for {table}</td>
              <td class="num" data-l="reads">
                {reads === null ? '–' : `reads ${formatDuration(reads.ms)}`}
              </td>
              <td class="num" data-l="writes">
                {writes === null ? '–' : `writes ${formatDuration(writes.ms)}`}
              </td>
              <td />
              <td />
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}
