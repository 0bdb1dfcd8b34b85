import { formatBytes } from '../../base/bytes.ts';
import { formatDuration } from '../../base/durations.ts';
import { shellWord } from '../../base/shell-word.ts';
import { inspectLeftSpools } from '../dump/left-spools-inspect.ts';
import { note, type Finding } from './finding.ts';

/** What killed dumps and restores may have left in the directories in which they lie until they are stored: the rows of whole databases. */
export async function checkSpools(directories: Iterable<string>, now: Date): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const directory of new Set(directories)) {
    const left = await inspectLeftSpools(directory, now);
    if (left.length === 0) continue;
    const unknown = left.filter(({ hasEnded }) => !hasEnded);
    const each = left.map(({ path, sizeBytes, ageMs }) => `${path} (${formatBytes(sizeBytes)}, last written ${formatDuration(ageMs)} ago)`);
    findings.push(
      note(
        `spool ${directory}`,
        `dumps or restores that were killed left behind, or are at work in: ${each.join(', ')}`,
        [
          ...(unknown.length === 0
            ? []
            : [
                `unless a dump or restore runs in another container or on another machine with that directory: rm -r ${unknown.map((spool) => shellWord(spool.path)).join(' ')}`,
              ]),
          ...(unknown.length === left.length
            ? []
            : ['the next dump or restore there, as the same user, removes those whose process has ended here']),
        ].join('\n'),
      ),
    );
  }
  return findings;
}
