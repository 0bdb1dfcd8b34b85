import type { VerificationHeader } from './report.ts';

/**
 * Which verifications found something that no later one has looked at again, oldest first. `reports` are those of one repository,
 * oldest first.
 *
 * A later one ends an earlier by naming it: it has read again what that found, and what was still wrong it says itself. That one read
 * less and met nothing says nothing of what was found. Those of earlier versions named none: reading everything ended all before
 * them, and any of them what was found without reading content.
 */
export function standingOf(reports: readonly VerificationHeader[]): readonly VerificationHeader[] {
  const ended = new Set(reports.flatMap(({ rechecked = [] }) => rechecked));
  return reports.filter(
    ({ isSound, label, extent: found }, n) =>
      !isSound &&
      !ended.has(label) &&
      !reports.slice(n + 1).some(({ rechecked, extent }) => rechecked === undefined && (extent === 'everything' || found === 'structure')),
  );
}
