import { useState } from 'preact/hooks';
import { Command } from '../../parts/command.tsx';
import { Panel, Status } from '../../parts/panel.tsx';
import { sentence } from '../../parts/states.tsx';
import { counted } from '../../words.ts';
import type { Finding, PlannedStatement, Severity } from './documents.ts';
import { partsOf, sqlLines, type SqlLine } from './sql-lines.ts';

/** A longer file shows its beginning and what lint found in it. */
const MOST_LINES = 120;
const KINDS: Readonly<Record<Severity, 'bad' | 'warn' | 'unproven'>> = { error: 'bad', warning: 'warn', notice: 'unproven' };

interface FilePanelProps {
  readonly title: string;
  /** Names the panel; unique on the page. */
  readonly id: string;
  readonly path: string;
  readonly sql: string;
  readonly statements: readonly PlannedStatement[];
  /** All of the plan's: those of this file are picked out. */
  readonly findings: readonly Finding[];
}

/** A file as it will run, line by line, with what lint found at the line, why that is dangerous and the way out. */
export function FilePanel({ title, id, path, sql, statements, findings }: FilePanelProps) {
  const [isWhole, setWhole] = useState(false);
  const own = findings.filter(({ file }) => file === path);
  const lines = sqlLines(sql, own, statements);
  const grave = own.filter(({ severity }) => severity !== 'notice').length;
  const aside = grave === 0 ? (own.length === 0 ? 'lint found nothing' : counted(own.length, 'notice')) : undefined;
  return (
    <Panel id={id} title={title} aside={aside ?? <Status kind="warn">{counted(grave, 'hazard')}</Status>}>
      <div class="sql" tabIndex={0} role="region" aria-label={`Text of ${title}`}>
        {partsOf(lines, isWhole ? Infinity : MOST_LINES).map((part, at) =>
          part.kind === 'hidden' ? (
            <button key={at} type="button" class="btn" onClick={() => setWhole(true)}>
              Show {counted(part.count, 'more line')}
            </button>
          ) : (
            part.lines.map((line) => <Line key={line.number} line={line} findings={own} />)
          ),
        )}
      </div>
      {own.length === 0 ? null : (
        <ul class="findings">
          {own.map((finding) => (
            <Item key={`${finding.line} ${finding.column} ${finding.rule}`} finding={finding} />
          ))}
        </ul>
      )}
    </Panel>
  );
}

function Line({
  line: { number, text, mark, findings: begun },
  findings,
}: {
  readonly line: SqlLine;
  readonly findings: readonly Finding[];
}) {
  const rules = begun.flatMap((index) => findings[index]?.rule ?? []);
  return (
    <div class={mark === undefined ? undefined : `marked ${mark}`}>
      <span>{number}</span>
      <code>{text}</code>
      {rules.length === 0 ? null : <span class={`st ${KINDS[mark ?? 'notice']}`}>{rules.join(', ')}</span>}
    </div>
  );
}

function Item({ finding }: { readonly finding: Finding }) {
  const { rule, severity, line, message, blocked, why, safe } = finding;
  const command = /(?:^|\s)(dbadmin \S[^;\n]*)$/.exec(safe)?.[1];
  return (
    <li>
      <p class="bar">
        <Status kind={KINDS[severity]}>{severity}</Status>
        <b>{rule}</b>
        <span class="meta">line {line}</span>
      </p>
      <p>{sentence(message)}</p>
      {blocked === null ? null : <p>{sentence(blocked)}</p>}
      <p class="meta">{why}</p>
      <p>
        <b>Do instead:</b>
      </p>
      <pre class="said">{safe}</pre>
      {command === undefined ? null : <Command text={command} />}
      <p class="meta">
        To keep it as it is, in the file: <code>-- dbadmin: allow {rule} -- reason</code>
      </p>
    </li>
  );
}
