import { counted } from '../../words.ts';
import { segmentsBetween } from './segments.ts';

interface WalSegmentsProps {
  readonly fromLsn: string;
  readonly toLsn: string;
  readonly timeline: number;
  readonly segmentBytes: number;
}

const SHOWN = 8;

/** The WAL that is replayed, segment by segment where there are few. All of it is there: a restore refuses otherwise. */
export function WalSegments({ fromLsn, toLsn, timeline, segmentBytes }: WalSegmentsProps) {
  const { count, names } = segmentsBetween(fromLsn, toLsn, timeline, segmentBytes, SHOWN);
  return (
    <>
      {counted(count, 'segment')}, all there, <code>{fromLsn}</code> → <code>{toLsn}</code>
      <span class="segs">
        {names.map((name) => (
          <span key={name}>✓ …{name.slice(16)}</span>
        ))}
        {count > names.length ? <span>{`and ${count - names.length} more`}</span> : null}
      </span>
    </>
  );
}
