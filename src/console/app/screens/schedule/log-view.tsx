import { useEffect, useRef, useState } from 'preact/hooks';
import { plainText } from '../../ansi.ts';
import { LogText } from '../../parts/log-text.tsx';
import { counted } from '../../words.ts';
import type { LogBuffer } from './log-buffer.ts';

interface LogViewProps {
  readonly label: string;
  readonly buffer: LogBuffer;
  readonly isOver: boolean;
}

/** The end is in view when no more than a line lies below. */
const NEAR = 24;

/** Lines with their numbers. It follows the end until somebody scrolls up or says otherwise. */
export function LogView({ label, buffer, isOver }: LogViewProps) {
  const box = useRef<HTMLDivElement>(null);
  const [follows, setFollows] = useState(true);
  const [isCopied, setCopied] = useState(false);
  useEffect(() => {
    if (follows && box.current !== null) box.current.scrollTop = box.current.scrollHeight;
  }, [buffer, follows]);
  const onScroll = ({ currentTarget }: Event): void => {
    if (!(currentTarget instanceof HTMLElement)) return;
    const { scrollHeight, scrollTop, clientHeight } = currentTarget;
    setFollows(scrollHeight - scrollTop - clientHeight < NEAR);
  };
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(buffer.lines.map(plainText).join('\n'));
    setCopied(true);
    setTimeout(() => setCopied(false), 2000);
  };
  const { firstLine, lines } = buffer;
  return (
    <>
      <div class="bar log-bar">
        <span class="meta">
          {lines.length === 0
            ? isOver
              ? 'It printed nothing that was kept.'
              : 'It has printed nothing yet.'
            : counted(firstLine + lines.length - 1, 'line')}
          {firstLine > 1 ? `, the first ${firstLine - 1} not kept` : ''}
        </span>
        {isOver ? null : (
          <button type="button" class="btn" aria-pressed={!follows} onClick={() => setFollows(!follows)}>
            {follows ? 'Pause following' : 'Follow'}
          </button>
        )}
        <button type="button" class="btn" disabled={lines.length === 0} onClick={() => void copy().catch(() => undefined)}>
          {isCopied ? 'Copied' : 'Copy log'}
        </button>
      </div>
      {lines.length === 0 ? null : (
        <div class="log job-log" ref={box} tabIndex={0} role="log" aria-live="off" aria-label={label} onScroll={onScroll}>
          <ol>
            {lines.map((line, index) => (
              <li key={firstLine + index} class={toneOf(line)}>
                <span class="no">{firstLine + index}</span>
                <LogText text={line} />
              </li>
            ))}
          </ol>
        </div>
      )}
    </>
  );
}

function toneOf(line: string): string | undefined {
  if (/^(error|ERROR|FATAL|PANIC)\b/.test(line)) return 'bad';
  return /^(warning|WARNING)\b/.test(line) ? 'warn' : undefined;
}
