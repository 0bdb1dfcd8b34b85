import type { Markup } from '../../../base/html.ts';
import type { SectionRows } from '../section.ts';

/** What a panel may need besides its own rows. */
export interface PanelView {
  readonly covers: ReadonlyMap<string, string>;
}

/** Draws the rows of a section. */
export type Panel = (data: SectionRows, view: PanelView) => Markup;
