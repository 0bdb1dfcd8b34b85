import { html, joined, type Markup } from '../../../base/html.ts';
import { selfContainedPage } from '../../../base/html-page.ts';
import { formatSpan } from '../measure.ts';
import type { Report, ReportPage, Visual } from '../inspect.ts';
import { describeScope } from '../scope.ts';
import { numberOf, textOf, type FilterName, type SectionRows } from '../section.ts';
import { LISTENING_PANELS, playsOf } from './panels-listening.ts';
import { OTHER_PANELS } from './panels-other.ts';
import { counted, dataTable, most } from './parts.ts';
import { REPORT_STYLE } from './style.ts';
import { dayText } from './scale.ts';

/** Which panels stand on which page, and how many of twelve columns each takes. The tall one has two beside it. */
const PLACES: readonly { readonly report: string; readonly page: number; readonly panels: readonly (readonly [string, number])[] }[] = [
  {
    report: 'listening',
    page: 1,
    panels: [
      ['cards', 12],
      ['days', 12],
      ['top-tracks', 7],
      ['track-detail', 5],
      ['weekdays', 5],
      ['week-hours', 7],
      ['hours', 5],
      ['weeks', 7],
      ['months', 5],
      ['sessions', 12],
      ['date-range', 4],
      ['track-choices', 4],
      ['album-choices', 4],
    ],
  },
  {
    report: 'listening',
    page: 2,
    panels: [
      ['sources', 6],
      ['content', 6],
      ['top-albums', 6],
      ['top-artists', 6],
      ['genres', 12],
    ],
  },
  {
    report: 'habits',
    page: 1,
    panels: [
      ['lengths', 5],
      ['skipped-tracks', 7],
      ['circumstances', 7],
      ['sound', 5],
    ],
  },
  {
    report: 'user',
    page: 1,
    panels: [
      ['listener', 7],
      ['countries', 5],
      ['favourite-artists', 6],
      ['favourite-tracks', 6],
      ['recent-plays', 7],
      ['devices', 5],
      ['followed-artists', 6],
      ['playlists', 6],
      ['saved-tracks', 6],
      ['saved-albums', 6],
    ],
  },
  {
    report: 'charts',
    page: 1,
    panels: [
      ['chart-movement', 12],
      ['chart-entries', 6],
      ['chart-genres', 6],
      ['chart-tracks', 12],
    ],
  },
  {
    report: 'quality',
    page: 1,
    panels: [
      ['basis', 12],
      ['refused', 6],
      ['received', 6],
      ['load-runs', 12],
    ],
  },
];

/** Pages that are of neither of the two reports. */
const OWN_TITLES: Readonly<Record<string, string>> = { habits: 'Habits and sound', charts: 'Charts', quality: 'What this rests on' };

const TALL = 'top-tracks';

export interface PageFacts {
  /** When it was read, ISO. */
  readonly readAt: string;
  readonly version: string;
  /** Sections that a filter says nothing about. */
  readonly idle: ReadonlyMap<FilterName, readonly { readonly name: string }[]>;
}

/** The report as one page that needs nothing else: drawings, figures as tables, light and dark, no script. */
export function reportPage(report: Report, facts: PageFacts): string {
  const sections = new Map(report.sections.map((each) => [each.section.name, each]));
  const pages = PLACES.map((place) => ({ ...place, panels: place.panels.filter(([name]) => sections.has(name)) })).filter(
    ({ panels }) => panels.length > 0,
  );
  const title = `Listening${report.scope.listener === undefined ? '' : ` of ${report.scope.listener.name}`}`;
  const body = html`<a class="skip" href="#main">Skip to the figures</a>
    <header class="top">
      <div class="brand">
        ${logo(report.visuals)}
        <div>
          <h1>${title}</h1>
          <p class="quiet">${period(report)}</p>
        </div>
      </div>
      <nav aria-label="Pages" ${marks(report.visuals, ({ kind }) => kind === 'button')}>
        ${pages.map((page) => html`<a href="#${anchor(page)}">${titleOf(report.pages, page)}</a>`)}
      </nav>
    </header>
    <main id="main">
      ${summary(report)} ${filters(report, facts)}
      ${joined(
        pages.map(
          (page) =>
            html`<section class="page" id="${anchor(page)}"><h2${marks(report.visuals, (visual) => isTextOf(visual, page))}>${titleOf(report.pages, page)}</h2>
<div class="grid">${page.panels.map(([name, span]) => panel(report, facts, sections.get(name), span))}</div></section>`,
        ),
      )}
    </main>
    <footer class="quiet">
      <p>
        Read ${facts.readAt.slice(0, 16).replace('T', ' ')} UTC by dbadmin ${facts.version}. Plays are of 30 s to 60 min; days and hours are
        ${report.scope.zone === undefined ? "those of each listener's zone" : `of ${report.scope.zone}`}.${
          report.waitingPlays === undefined || report.waitingPlays === 0
            ? ''
            : ` ${counted(report.waitingPlays, 'play')} loaded since the last refresh are not counted.`
        }
      </p>
    </footer>`;
  return selfContainedPage({ title: `${title} · dbadmin`, style: REPORT_STYLE, body });
}

function panel(report: Report, facts: PageFacts, data: SectionRows | undefined, span: number): Markup | undefined {
  if (data === undefined) return undefined;
  const { section } = data;
  const draw = LISTENING_PANELS[section.name] ?? OTHER_PANELS[section.name] ?? ((each: SectionRows) => dataTable(each));
  const passedOver = [...facts.idle].filter(([, sections]) => sections.some(({ name }) => name === section.name)).map(([name]) => name);
  return html`<section
    class="panel w${span}${section.name === TALL ? ' tall' : ''}"
    id="${section.name}"
    aria-labelledby="h-${section.name}"
    ${marks(report.visuals, (visual) => visual.section === section.name)}
  >
    <header>
      <h3 id="h-${section.name}">${section.title}</h3>
      <p class="quiet">${section.about}${passedOver.length === 0 ? '' : ` Not narrowed by ${passedOver.join(', ')}.`}</p>
    </header>
    <div class="body">${draw(data, { covers: report.covers })}</div>
  </section> `;
}

/** The answer first: how much, when, and when most. */
function summary({ sections }: Report): Markup | undefined {
  const cards = playsOf(sections);
  if (cards === undefined) return undefined;
  const plays = numberOf(cards, 'plays');
  if (plays === 0) return html`<p class="say">No play meets these filters.</p>`;
  const rows = (name: string): SectionRows['rows'] => sections.find(({ section }) => section.name === name)?.rows ?? [];
  const peak = most(rows('week-hours'), 'plays');
  const song = rows('top-tracks')[0];
  return html`<p class="say">
    <b>${counted(plays, 'play')}</b> of ${counted(numberOf(cards, 'songs'), 'song')} in
    <b>${formatSpan(numberOf(cards, 'listening_hours') * 3_600_000)}</b>.${
      peak === undefined
        ? undefined
        : html` Most on ${textOf(peak, 'day_name')}s between ${textOf(peak, 'hour')} and ${numberOf(peak, 'hour') + 1} h.`
    }${song === undefined ? undefined : html` Most played: <b><bdi>${textOf(song, 'name')}</bdi></b> by <bdi>${textOf(song, 'artist')}</bdi>, ${numberOf(song, 'plays').toLocaleString('en')} times.`}
  </p>`;
}

function filters({ scope }: Report, { idle }: PageFacts): Markup | undefined {
  const pairs = describeScope(scope);
  if (pairs.length === 0) return undefined;
  return html`<ul class="chips" aria-label="Filters">
      ${pairs.map(
        ([name, value]) =>
          html`<li>
            <span>${name}</span> <b><bdi>${value}</bdi></b>
          </li>`,
      )}
    </ul>
    ${idle.size === 0 ? undefined : html`<p class="quiet">A panel that a filter says nothing about says so.</p>`}`;
}

function period({ sections, scope }: Report): string {
  const row = sections.find(({ section }) => section.name === 'date-range')?.rows[0];
  const first = textOf(row ?? {}, 'first_day');
  const days = first === '' ? [] : [`${dayText(first)} to ${dayText(textOf(row ?? {}, 'last_day'))}`];
  return [...days, scope.zone ?? "each listener's own time zone"].join(' · ');
}

function anchor({ report, page }: { readonly report: string; readonly page: number }): string {
  return `${report}-${page}`;
}

function titleOf(pages: readonly ReportPage[], { report, page }: { readonly report: string; readonly page: number }): string {
  return pages.find((each) => each.report === report && each.page === page)?.title ?? OWN_TITLES[report] ?? report;
}

function isTextOf(visual: Visual, { report, page }: { readonly report: string; readonly page: number }): boolean {
  return visual.kind === 'text' && visual.report === report && visual.page === page;
}

/** Which visuals of mart.visual stand here: a test finds each of them. */
function marks(visuals: readonly Visual[], where: (visual: Visual) => boolean): Markup | undefined {
  const here = visuals.filter((each) => where(each)).map(({ report, page, number }) => `${report}/${page}/${number}`);
  return here.length === 0 ? undefined : html` data-visuals="${here.join(' ')}"`;
}

function logo(visuals: readonly Visual[]): Markup {
  return html`<svg
    class="logo"
    width="36"
    height="36"
    viewBox="0 0 36 36"
    role="img"
    aria-label="Listening warehouse"
    ${marks(visuals, ({ kind }) => kind === 'image')}
  >
    <rect width="36" height="36" rx="9" />
    <path d="M9 21v-6M15 26V10M21 23V13M27 20v-4" />
  </svg>`;
}
