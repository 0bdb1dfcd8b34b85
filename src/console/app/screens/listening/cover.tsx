import { useState } from 'preact/hooks';
import { useListening } from './listening-context.ts';

interface CoverProps {
  /** The picture's number in the warehouse; empty where there is none. */
  readonly id: string;
  readonly name: string;
  readonly isLarge?: boolean;
}

/** A stored picture, which the console itself serves, or the first letters of the name. Says nothing that the name does not. */
export function Cover({ id, name, isLarge = false }: CoverProps) {
  const { cluster } = useListening();
  const [broken, setBroken] = useState<string>();
  const shape = isLarge ? 'tile large' : 'tile';
  if (id !== '' && broken !== id) {
    const of = cluster === undefined ? '' : `?cluster=${encodeURIComponent(cluster)}`;
    const address = `/api/pictures/cover/${encodeURIComponent(id)}${of}`;
    return <img class={shape} src={address} alt="" loading="lazy" decoding="async" onError={() => setBroken(id)} />;
  }
  return (
    <span class={shape} aria-hidden="true">
      {initials(name)}
    </span>
  );
}

/** `TW` for The Weeknd. */
export function initials(name: string): string {
  const words = name.split(/\s+/).flatMap((word) => /[\p{L}\p{N}]/u.exec(word)?.slice(0, 1) ?? []);
  return words.length === 0 ? '♪' : words.slice(0, 2).join('').toUpperCase();
}
