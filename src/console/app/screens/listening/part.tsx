import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { useAnswer, type Answered } from '../../answer.ts';
import { Command } from '../../parts/command.tsx';
import { Panel } from '../../parts/panel.tsx';
import { Failed } from '../../parts/states.tsx';
import { partCsv } from './csv.ts';
import { download } from './download.ts';
import { DataTable } from './data-table.tsx';
import { FILTER_WORDS, periodBefore, type FilterName, type Filters } from './filters.ts';
import { useListening } from './listening-context.ts';
import type { ReportDocument, ReportPart } from './report.ts';

/** One part of the report for these filters; each is asked for by itself, so that the first is seen at once. */
export function useReport(name: string, filters: Filters | undefined, top?: number): Answered<ReportDocument> {
  const { cluster } = useListening();
  const values = { part: name, ...filters, top: top === undefined ? undefined : String(top), cluster };
  return useAnswer<ReportDocument>(filters === undefined ? undefined : 'listening/report', values);
}

/** The same part for the stretch of time right before; undefined where there is none, and until it is known. */
export function useBefore(name: string, top?: number): ReportPart | undefined {
  const { filters } = useListening();
  return useReport(name, periodBefore(filters), top).answer?.document.parts[0];
}

interface PartProps {
  readonly name: string;
  readonly title: string;
  readonly wide?: string;
  readonly top?: number;
  readonly aside?: (part: ReportPart) => ComponentChildren;
  /** What is said instead where there are no rows, and what would make some. */
  readonly empty?: ComponentChildren;
  /** The rows are drawn as a table already. */
  readonly isTable?: boolean;
  readonly isEmpty?: (part: ReportPart) => boolean;
  readonly children: (part: ReportPart) => ComponentChildren;
}

const noRows = ({ rows }: ReportPart): boolean => rows.length === 0;

/** A panel with one part of the report: its drawing, its numbers as a table, its CSV, and the command that gives the same. */
export function Part({ name, title, wide, top, aside, empty, isTable = false, isEmpty = noRows, children }: PartProps) {
  const { filters } = useListening();
  const { answer, failure, isLoading, again } = useReport(name, filters, top);
  const part = answer?.document.parts[0];
  return (
    <Panel id={name} title={title} aside={part === undefined || isEmpty(part) ? undefined : aside?.(part)} wide={wide ?? ''}>
      {failure === undefined ? null : <Failed failure={failure} again={again} />}
      {part === undefined ? (
        failure === undefined ? (
          <Waiting />
        ) : null
      ) : (
        <div class={isLoading ? 'asking' : undefined} aria-busy={isLoading}>
          {isEmpty(part) ? <div class="body meta">{empty ?? 'No play meets these filters.'}</div> : children(part)}
          <Foot part={part} idle={idleOf(answer?.document, name)} command={answer?.command ?? ''} isTable={isTable || isEmpty(part)} />
        </div>
      )}
    </Panel>
  );
}

/** Room for what is coming, so that nothing jumps. */
function Waiting() {
  return (
    <p class="body waiting meta" role="status">
      <span class="st run">Counting</span>
    </p>
  );
}

interface FootProps {
  readonly part: ReportPart;
  readonly idle: readonly string[];
  readonly command: string;
  readonly isTable: boolean;
}

function Foot({ part, idle, command, isTable }: FootProps) {
  const [isOpen, setOpen] = useState(false);
  return (
    <div class="foot-note">
      <p class="meta">
        {part.about}
        {idle.length === 0 ? '' : ` Not narrowed by ${idle.join(', ')}.`}
      </p>
      <details class="twin" open={isOpen} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
        <summary>{isTable ? 'Command' : 'Numbers as a table'}</summary>
        {isOpen ? (
          <>
            {isTable ? null : <DataTable part={part} />}
            <Command text={command} />
          </>
        ) : null}
      </details>
      {part.rows.length === 0 ? null : (
        <button type="button" class="btn quiet" onClick={() => download(`${part.name}.csv`, partCsv(part))}>
          CSV<span class="vh"> of {part.title}</span>
        </button>
      )}
    </div>
  );
}

function idleOf(document: ReportDocument | undefined, part: string): readonly string[] {
  return Object.entries(document?.idle ?? {}).flatMap(([name, parts]) =>
    parts.includes(part) ? [FILTER_WORDS[name as FilterName] ?? name] : [],
  );
}
