import type { MarkKind } from './marks.ts';

const SHAPES: readonly (readonly [kind: MarkKind, path: string, word: string])[] = [
  ['full', 'M2 2h10v10h-10z', 'full'],
  ['incremental', 'M5.5 2h3v10h-3z', 'incremental'],
  ['damaged', 'M2 2l10 10m0-10l-10 10', 'damaged'],
  ['no-backup', 'M7 1l6 6-6 6-6-6z', 'failed, or not run'],
  ['dump', 'M3 7a4 4 0 1 0 8 0a4 4 0 1 0-8 0z', 'dump'],
  ['migration', 'M7 1l6 6-6 6-6-6z', 'migration'],
  ['restore-point', 'M7 2l5 5-5 5-5-5z', 'restore point'],
  ['passed', 'M.5 7a6.5 6.5 0 1 0 13 0a6.5 6.5 0 1 0-13 0z', 'drill passed'],
  ['failed', 'M7 0l7 7-7 7-7-7z', 'drill not passed'],
];

export function Legend() {
  return (
    <div class="note legend">
      <span>
        <i class="key cover" /> restorable
      </span>
      <span>
        <i class="key cover un" /> restorable, no drill since
      </span>
      <span>
        <i class="key gap" /> gap
      </span>
      {SHAPES.map(([kind, path, word]) => (
        <span key={kind}>
          <svg class="lanes" width="14" height="14" aria-hidden="true">
            <path class={`mark ${kind}`} d={path} />
            {kind === 'passed' ? <path class="m-tick" d="M4 7l2.2 2.4 4-4.6" /> : null}
            {kind === 'failed' ? <path class="m-tick" d="M4.6 4.6l4.8 4.8m0-4.8l-4.8 4.8" /> : null}
          </svg>
          {word}
        </span>
      ))}
    </div>
  );
}
