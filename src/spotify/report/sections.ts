import { DbadminError } from '../../base/errors.ts';
import { suggestion } from '../../base/spelling.ts';
import { CHART_SECTIONS } from './sections-charts.ts';
import { HABIT_SECTIONS } from './sections-habits.ts';
import { LISTENING_SECTIONS } from './sections-listening.ts';
import { QUALITY_SECTIONS } from './sections-quality.ts';
import { USER_SECTIONS } from './sections-user.ts';
import type { AskedScope } from './scope.ts';
import type { FilterName, Section, SectionGroup } from './section.ts';

/** Every section, in the order of the pages. */
export const SECTIONS: readonly Section[] = [
  ...LISTENING_SECTIONS,
  ...HABIT_SECTIONS,
  ...USER_SECTIONS,
  ...CHART_SECTIONS,
  ...QUALITY_SECTIONS,
];

const GROUPS: readonly SectionGroup[] = ['listening', 'habits', 'user', 'charts', 'quality'];

/**
 * The sections that `names` name: each a section's or a group's; all without one. In the order of the pages, each once.
 *
 * @throws {DbadminError} `usage` for a name that is neither.
 */
export function chooseSections(names: readonly string[]): readonly Section[] {
  const known = [...GROUPS, ...SECTIONS.map(({ name }) => name)];
  for (const name of names) {
    if (known.includes(name)) continue;
    throw new DbadminError('usage', `no part of the report is called "${name}"${suggestion(name, known)}`, {
      hint: `There are: ${known.join(', ')}.`,
    });
  }
  return names.length === 0 ? SECTIONS : SECTIONS.filter(({ name, group }) => names.includes(name) || names.includes(group));
}

/** Which of the given filters narrow none, or not all, of the sections: each with the sections it says nothing about. */
export function idleFilters(asked: AskedScope, sections: readonly Section[]): ReadonlyMap<FilterName, readonly Section[]> {
  const names: readonly FilterName[] = ['listener', 'from', 'to', 'month', 'track', 'album', 'artist', 'zone', 'chart'];
  const idle = new Map<FilterName, readonly Section[]>();
  for (const name of names) {
    if (asked[name] === undefined) continue;
    const without = sections.filter(({ takes }) => !takes.includes(name));
    if (without.length > 0) idle.set(name, without);
  }
  return idle;
}
