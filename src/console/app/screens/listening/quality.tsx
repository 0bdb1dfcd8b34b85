import { Fragment } from 'preact';
import { useState } from 'preact/hooks';
import { useAnswer } from '../../answer.ts';
import { Command } from '../../parts/command.tsx';
import { Status } from '../../parts/panel.tsx';
import { Failed } from '../../parts/states.tsx';
import { Figure } from './bars.tsx';
import { dayName } from './filters.ts';
import { Plain } from './library.tsx';
import { useListening } from './listening-context.ts';
import { Part } from './part.tsx';
import { grouped, numberOf, textOf, type Row } from './report.ts';

/** What the figures rest on: what came, what was refused and why, and how the steps ran. */
export function QualityTab() {
  return (
    <>
      <Part name="basis" title="What this rests on">
        {({ rows: [row] }) => <Basis row={row} />}
      </Part>
      <Part name="refused" title="Refused rows by rule" isTable>
        {({ rows }) => <Rules rows={rows} />}
      </Part>
      <Plain name="received" title="Received, by format" wide="" empty="Nothing was received yet." />
      <Plain name="load-runs" title="Load steps and refreshes" wide="" empty="Nothing was loaded yet." />
    </>
  );
}

function Basis({ row }: { readonly row: Row | undefined }) {
  const [received, rejected] = [numberOf(row, 'rows_received'), numberOf(row, 'rows_rejected')];
  return (
    <dl class="figs">
      <Figure name="Plays in the marts" more={`${grouped(numberOf(row, 'listens'))} of 30 s to 60 min, which count`}>
        {grouped(numberOf(row, 'plays'))}
      </Figure>
      <Figure name="Data from" more={timeOf(row, 'first_played_at', 'end of the first play')}>
        {dayOf(row, 'first_played_at')}
      </Figure>
      <Figure name="Data until" more={timeOf(row, 'last_played_at', 'end of the last play')}>
        {dayOf(row, 'last_played_at')}
      </Figure>
      <Figure name="Marts refreshed" more={timeOf(row, 'refreshed_at', 'what came later is not counted')}>
        {dayOf(row, 'refreshed_at')}
      </Figure>
      <Figure name="Rows received" more={`in ${grouped(numberOf(row, 'files'))} files`}>
        {grouped(received)}
      </Figure>
      <Figure name="Rows refused" more={received === 0 ? undefined : `${((rejected / received) * 100).toFixed(2)} %`}>
        {grouped(rejected)}
      </Figure>
    </dl>
  );
}

function dayOf(row: Row | undefined, key: string): string {
  const at = textOf(row, key);
  return at === '' ? 'none' : dayName(at.slice(0, 10));
}

function timeOf(row: Row | undefined, key: string, what: string): string {
  const at = textOf(row, key);
  return at === '' ? what : `${at.slice(11)} UTC, ${what}`;
}

function Rules({ rows }: { readonly rows: readonly Row[] }) {
  const [open, setOpen] = useState<string>();
  return (
    <table class="stackt">
      <thead>
        <tr>
          <th scope="col">Rule</th>
          <th scope="col">What it does</th>
          <th scope="col" class="num">
            Refused
          </th>
          <th scope="col">Last</th>
          <td />
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => {
          const rule = textOf(row, 'rule_id');
          const refused = numberOf(row, 'rows_rejected');
          return (
            <Fragment key={rule}>
              <tr>
                <th scope="row">
                  {rule} <span class="meta">{textOf(row, 'title')}</span>
                </th>
                <td class="w">{textOf(row, 'description')}</td>
                <td class="num">{refused === 0 ? <Status kind="ok">none</Status> : grouped(refused)}</td>
                <td class="nowrap hide-s">{textOf(row, 'last_at')}</td>
                <td>
                  {refused === 0 ? null : (
                    <button
                      type="button"
                      class="btn"
                      aria-expanded={open === rule}
                      onClick={() => setOpen(open === rule ? undefined : rule)}
                    >
                      Rows<span class="vh"> that {rule} refused</span>
                    </button>
                  )}
                </td>
              </tr>
              {open === rule ? (
                <tr>
                  <td colSpan={5}>
                    <RefusedRows rule={rule} />
                  </td>
                </tr>
              ) : null}
            </Fragment>
          );
        })}
      </tbody>
    </table>
  );
}

interface Viewed {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | null)[])[];
}

/** The newest of them, as quality.quarantine has them: the console's role needs the right to look there. */
function RefusedRows({ rule }: { readonly rule: string }) {
  const { cluster } = useListening();
  const { answer, failure, again } = useAnswer<Viewed>('listening/refused', { rule, cluster });
  if (failure !== undefined) return <Failed failure={failure} again={again} />;
  if (answer === undefined) return <p class="meta">Looking</p>;
  const { columns, rows } = answer.document;
  const at = (name: string): number => columns.indexOf(name);
  return (
    <>
      <table>
        <thead>
          <tr>
            <th scope="col">File</th>
            <th scope="col" class="num">
              Row
            </th>
            <th scope="col">Why</th>
            <th scope="col">As received</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={`${row[at('batch_id')]} ${row[at('row_no')]}`}>
              <td>{row[at('batch_id')]}</td>
              <td class="num">{row[at('row_no')]}</td>
              <td>{row[at('reason')]}</td>
              <td>
                <code>{(row[at('raw_row')] ?? '').slice(0, 300)}</code>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <Command text={answer.command} />
    </>
  );
}
