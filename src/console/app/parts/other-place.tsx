import { useQuery } from '../query.ts';
import { Status } from './panel.tsx';

interface OtherPlaceProps {
  /** What the screen shows. */
  readonly cluster: string;
  readonly repository?: string | undefined;
}

/** Said where the address names something that is not there: nobody shall act on another cluster than a link meant. */
export function OtherPlace({ cluster, repository }: OtherPlaceProps) {
  const [query] = useQuery();
  const missing = [
    ...told('cluster', query['cluster'], cluster),
    ...(repository === undefined ? [] : told('repository', query['repository'], repository)),
  ];
  if (missing.length === 0) return null;
  return (
    <p role="alert">
      <Status kind="warn">{missing.join('. ')}</Status>
    </p>
  );
}

function told(what: string, asked: string | undefined, shown: string): readonly string[] {
  return asked === undefined || asked === shown ? [] : [`There is no ${what} ${asked} here: this is ${shown}`];
}
