import type { Diagram, Reference } from './diagram.ts';

/** A place in a layer: an entity, or where a reference that passes a layer goes through. */
export interface Slot {
  readonly id: string;
  readonly layer: number;
  readonly isPassage: boolean;
}

/** A reference as the slots it goes through, from the table that refers to the one referred to. */
export interface Route {
  readonly reference: Reference;
  readonly slots: readonly string[];
}

export interface Layers {
  /** From the tables that others refer to, on the left, to those that nothing refers to. */
  readonly layers: readonly (readonly Slot[])[];
  readonly routes: readonly Route[];
}

const SWEEPS = 8;

/**
 * Puts entities into layers so that each stands right of all that it refers to, and orders each layer so that few references
 * cross: by the mean place of what they are joined to, back and forth. Circles are cut where they close; what refers to
 * itself has no route.
 *
 * @see Sugiyama, Tagawa, Toda: Methods for Visual Understanding of Hierarchical System Structures, 1981.
 */
export function layersOf({ entities, references }: Diagram): Layers {
  const depths = depthsOf(
    entities.map(({ id }) => id),
    references,
  );
  const depth = (id: string): number => depths.get(id) ?? 0;
  const slots: Slot[] = entities.map(({ id }) => ({ id, layer: depth(id), isPassage: false }));
  const routes = references.flatMap((reference, nth): readonly Route[] => {
    if (reference.from === reference.to) return [];
    const [high, low] = [depth(reference.from), depth(reference.to)];
    const between = Array.from({ length: Math.max(0, Math.abs(high - low) - 1) }, (_, at) => ({
      id: `passage ${nth} ${at}`,
      layer: high > low ? high - at - 1 : high + at + 1,
      isPassage: true,
    }));
    slots.push(...between);
    return [{ reference, slots: [reference.from, ...between.map(({ id }) => id), reference.to] }];
  });
  const count = Math.max(0, ...slots.map(({ layer }) => layer)) + 1;
  const layers = Array.from({ length: count }, (_, at) => slots.filter(({ layer }) => layer === at));
  return { layers: order(layers, neighboursOf(routes)), routes };
}

/** The longest way to what refers to nothing; references that would close a circle are passed over. */
function depthsOf(ids: readonly string[], references: readonly Reference[]): ReadonlyMap<string, number> {
  const targets = Map.groupBy(references, ({ from }) => from);
  const depths = new Map<string, number>();
  const under = new Set<string>();
  const visit = (id: string): number => {
    const known = depths.get(id);
    if (known !== undefined) return known;
    under.add(id);
    let depth = 0;
    for (const { to } of targets.get(id) ?? []) if (!under.has(to)) depth = Math.max(depth, visit(to) + 1);
    under.delete(id);
    depths.set(id, depth);
    return depth;
  };
  for (const id of ids) visit(id);
  return depths;
}

/** What each slot is joined to, in the layers beside it. */
export function neighboursOf(routes: readonly Route[]): ReadonlyMap<string, readonly string[]> {
  const neighbours = new Map<string, string[]>();
  const join = (one: string, other: string): void => void neighbours.set(one, [...(neighbours.get(one) ?? []), other]);
  for (const { slots } of routes) {
    slots.slice(1).forEach((slot, at) => {
      const before = slots[at];
      if (before === undefined) return;
      join(slot, before);
      join(before, slot);
    });
  }
  return neighbours;
}

function order(layers: readonly (readonly Slot[])[], neighbours: ReadonlyMap<string, readonly string[]>): readonly (readonly Slot[])[] {
  const ordered = layers.map((layer) => [...layer]);
  const places = new Map<string, number>();
  const note = (layer: readonly Slot[]): void => layer.forEach(({ id }, at) => places.set(id, (at + 0.5) / layer.length));
  ordered.forEach(note);
  const mean = ({ id }: Slot): number => {
    const beside = (neighbours.get(id) ?? []).map((other) => places.get(other) ?? 0);
    return beside.length === 0 ? (places.get(id) ?? 0) : beside.reduce((sum, place) => sum + place, 0) / beside.length;
  };
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    for (const layer of sweep % 2 === 0 ? ordered : ordered.toReversed()) {
      const means = new Map(layer.map((slot) => [slot.id, mean(slot)]));
      layer.sort((a, b) => (means.get(a.id) ?? 0) - (means.get(b.id) ?? 0));
      note(layer);
    }
  }
  return ordered;
}
