import { useEffect, useState } from 'preact/hooks';
import { isFailure, type Failure } from '../../api.ts';
import { useReturns } from '../../presence.ts';
import type { LogDocument } from './documents.ts';
import { addLines, EMPTY_LOG, type LogBuffer } from './log-buffer.ts';

export interface JobLog {
  /** The run as the newest message has it, without its lines; undefined until the first. */
  readonly about: Omit<LogDocument, 'lines'> | undefined;
  readonly buffer: LogBuffer;
  readonly failure: Failure | undefined;
  readonly isOver: boolean;
}

const NOTHING: JobLog = { about: undefined, buffer: EMPTY_LOG, failure: undefined, isOver: false };
const AWAY: Failure = {
  code: 'connection-failed',
  message: 'the log has broken off',
  hint: 'It is taken up again as soon as the console answers.',
};

/** What a run prints, wherever it runs, as it prints it. Without a job nothing is followed. */
export function useJobLog(job: string | undefined, run: string | undefined, attempt: number | undefined): JobLog {
  const [log, setLog] = useState<JobLog>(NOTHING);
  const returns = useReturns();
  useEffect(() => {
    setLog(NOTHING);
    if (job === undefined) return undefined;
    const query = new URLSearchParams({
      job,
      ...(run === undefined ? {} : { run }),
      ...(attempt === undefined ? {} : { attempt: String(attempt) }),
    });
    const events = new EventSource(`/api/job-log?${query.toString()}`);
    events.addEventListener('log', ({ data }: MessageEvent<string>) => {
      const document = JSON.parse(data) as LogDocument;
      setLog((before) => ({ about: document, buffer: addLines(before.buffer, document), failure: undefined, isOver: document.isOver }));
    });
    events.addEventListener('end', () => {
      events.close();
      setLog((before) => ({ ...before, isOver: true }));
    });
    events.addEventListener('failure', ({ data }: MessageEvent<string>) => {
      events.close();
      const document = JSON.parse(data) as unknown;
      setLog((before) => ({ ...before, failure: isFailure(document) ? document.error : AWAY, isOver: true }));
    });
    // The browser connects again by itself, and the log begins with all that is kept.
    events.addEventListener('error', () => setLog((before) => ({ ...before, failure: AWAY })));
    return () => events.close();
  }, [job, run, attempt, returns]);
  return log;
}
