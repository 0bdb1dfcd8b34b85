import { html, type Markup } from '../base/html.ts';
import type { Diagram, Entity } from './diagram.ts';
import { layersOf, neighboursOf, type Layers, type Slot } from './layers.ts';

const ROW = 17;
const HEAD = 24;
const LETTER = 6.7;
const GAP_X = 64;
const GAP_Y = 18;
const PASSAGE = 12;

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/**
 * The diagram as SVG: what is referred to stands left of what refers to it. A line ends at the column that refers; a dashed
 * one may refer to nothing. `hrefs` lead from a box to where its table is described.
 */
export function diagramSvg(diagram: Diagram, hrefs: ReadonlyMap<string, string>): Markup {
  const entities = new Map(diagram.entities.map((entity) => [entity.id, entity]));
  const laid = layersOf(diagram);
  const boxes = placeBoxes(laid, entities);
  const width = Math.max(0, ...[...boxes.values()].map((box) => box.x + box.width)) + 20;
  const height = Math.max(0, ...[...boxes.values()].map((box) => box.y + box.height)) + 8;
  const label = `Entity diagram of ${diagram.title}: ${diagram.entities.length} tables, ${diagram.references.length} references`;
  return html`<svg class="diagram" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${label}">
    ${laid.routes.map(({ reference, slots }) => html`<path class="${reference.isOptional ? 'ref optional' : 'ref'}" d="${path(slots, boxes, entities.get(reference.from), reference.columns)}" />`)}
    ${diagram.references.filter(({ from, to }) => from === to).map(({ from, columns }) => selfReference(boxes.get(from), entities.get(from), columns))}
    ${diagram.entities.map((entity) => entityBox(entity, boxes.get(entity.id), hrefs.get(entity.id)))}
  </svg>`;
}

function placeBoxes({ layers, routes }: Layers, entities: ReadonlyMap<string, Entity>): ReadonlyMap<string, Box> {
  const neighbours = neighboursOf(routes);
  const boxes = new Map<string, Box>();
  let x = 4;
  for (const layer of layers) {
    const width = Math.max(0, ...layer.map(({ id }) => widthOf(entities.get(id))));
    let y = 4;
    for (const slot of layer) {
      const height = slot.isPassage ? PASSAGE : heightOf(entities.get(slot.id));
      boxes.set(slot.id, { x, y, width, height });
      y += height + (slot.isPassage ? 4 : GAP_Y);
    }
    x += width + GAP_X;
  }
  // Each layer is drawn towards the middle of what it is joined to, as far as its order and its gaps allow.
  for (let pass = 0; pass < 6; pass += 1)
    for (const layer of pass % 2 === 0 ? layers : layers.toReversed()) settle(layer, neighbours, boxes);
  const top = Math.min(...[...boxes.values()].map(({ y }) => y));
  for (const [id, box] of boxes) boxes.set(id, { ...box, y: Math.round(box.y - top + 4) });
  return boxes;
}

function settle(layer: readonly Slot[], neighbours: ReadonlyMap<string, readonly string[]>, boxes: Map<string, Box>): void {
  const wishes = layer.map(({ id, isPassage }) => {
    const box = boxes.get(id) ?? { x: 0, y: 0, width: 0, height: 0 };
    const middles = (neighbours.get(id) ?? []).flatMap((other) => {
      const beside = boxes.get(other);
      return beside === undefined ? [] : [beside.y + beside.height / 2];
    });
    const wish = middles.length === 0 ? box.y : middles.reduce((sum, middle) => sum + middle, 0) / middles.length - box.height / 2;
    return { id, box, wish, gap: isPassage ? 4 : GAP_Y };
  });
  let floor = -Infinity;
  const down = wishes.map(({ wish, box, gap }) => {
    const y = Math.max(wish, floor);
    floor = y + box.height + gap;
    return y;
  });
  let ceiling = Infinity;
  const up = wishes
    .toReversed()
    .map(({ wish, box, gap }) => {
      const y = Math.min(wish, ceiling - box.height - gap);
      ceiling = y;
      return y;
    })
    .toReversed();
  // Pushed down and pushed up alike: the mean of both keeps order and gaps.
  wishes.forEach(({ id, box }, at) => boxes.set(id, { ...box, y: ((down[at] ?? 0) + (up[at] ?? 0)) / 2 }));
}

function widthOf(entity: Entity | undefined): number {
  if (entity === undefined) return 0;
  const rows = entity.columns.map(({ name, marks }) => name.length + marks.join(' ').length + 3);
  return Math.round(Math.max(90, ...[entity.label.length + 2, ...rows].map((letters) => letters * LETTER + 16)));
}

function heightOf(entity: Entity | undefined): number {
  return HEAD + (entity?.columns.length ?? 0) * ROW + (entity === undefined || entity.columns.length === 0 ? 0 : 6);
}

/** Where a row of a box lies, from the box's top. */
function rowMiddle(entity: Entity | undefined, columns: readonly string[]): number {
  const at = entity?.columns.findIndex(({ name }) => columns.includes(name.replaceAll(/^"|"$/g, ''))) ?? -1;
  return at < 0 ? HEAD / 2 : HEAD + at * ROW + ROW / 2 + 2;
}

/** From the column that refers, leftwards through the passages, to the head of what is referred to. */
function path(slots: readonly string[], boxes: ReadonlyMap<string, Box>, from: Entity | undefined, columns: readonly string[]): string {
  const points = slots.flatMap((id, at): readonly (readonly [number, number])[] => {
    const box = boxes.get(id);
    if (box === undefined) return [];
    const { x, y, width, height } = box;
    if (at === 0) return [[x, y + rowMiddle(from, columns)]];
    if (at === slots.length - 1) return [[x + width, y + HEAD / 2]];
    return [
      [x + width, y + height / 2],
      [x, y + height / 2],
    ];
  });
  const [start = [0, 0], ...rest] = points;
  let before = start;
  const parts = rest.map((point) => {
    const bend = (before[0] + point[0]) / 2;
    const part = `C${bend} ${before[1]} ${bend} ${point[1]} ${point[0]} ${point[1]}`;
    before = point;
    return part;
  });
  return `M${start[0]} ${start[1]}${parts.join('')}`;
}

function selfReference(box: Box | undefined, entity: Entity | undefined, columns: readonly string[]): Markup | undefined {
  if (box === undefined) return undefined;
  const [right, from, to] = [box.x + box.width, box.y + rowMiddle(entity, columns), box.y + HEAD / 2];
  return html`<path class="ref optional" d="M${right} ${from}C${right + 22} ${from} ${right + 22} ${to} ${right} ${to}" />`;
}

function entityBox(entity: Entity, box: Box | undefined, href: string | undefined): Markup | undefined {
  if (box === undefined) return undefined;
  const { x, y, width, height } = box;
  const drawn = html`<g class="${entity.isForeign ? 'entity other' : 'entity'}"
    ><rect x="${x}" y="${y}" width="${width}" height="${height}" rx="5" />
    <text class="name" x="${x + 9}" y="${y + 16}">${entity.label}</text>
    ${entity.columns.length === 0 ? undefined : html`<line x1="${x}" x2="${x + width}" y1="${y + HEAD}" y2="${y + HEAD}" />`}
    ${entity.columns.map(
      ({ name, marks }, at) =>
        html`<text x="${x + 9}" y="${y + HEAD + at * ROW + 15}">${name}</text
          ><text class="mark" x="${x + width - 9}" y="${y + HEAD + at * ROW + 15}" text-anchor="end">${marks.join(' ')}</text>`,
    )}</g
  >`;
  return href === undefined ? drawn : html`<a href="#${href}">${drawn}</a>`;
}
