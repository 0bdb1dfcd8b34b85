import type { ObjectStore, StoredObject } from '../storage/store.ts';
import type { SealedKind } from './envelope.ts';
import { kindOfKey } from './layout.ts';

/** An object whose content tells which key it was written with, or that it was written with none. */
export interface ContentSample {
  readonly key: string;
  readonly sizeBytes: number;
  /** How its content lies there: sealed, as blobs of a pack, or as a dump's JSON where there is no encryption. */
  readonly form: SealedKind | 'pack';
}

/** What a listing of everything tells of a repository that does not say what it is. */
export interface SampledContent {
  /** The first and the last of each kind in each lineage. */
  readonly samples: readonly ContentSample[];
  /** The oldest time that it names: it was made then or before. Undefined for an empty place. */
  readonly oldest: Date | undefined;
}

/** So many of a kind, from both ends: one that is damaged, or was put there by somebody, is not all that is looked at. */
const FROM_EACH_END = 2;
const LABEL = /\/(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z-[a-z]+(?:-\d+)?$/;

/** Lists the repository, and chooses what to read. */
export async function sampleContent(store: ObjectStore): Promise<SampledContent> {
  const chosen = new Map<string, { readonly first: ContentSample[]; readonly last: ContentSample[] }>();
  let oldest: Date | undefined;
  for await (const object of store.list('')) {
    const { kind, systemIdentifier } = kindOfKey(object.key);
    if (kind === 'other') continue;
    for (const time of [object.modifiedAt, timeOfLabel(object.key)])
      if (time !== undefined && (oldest === undefined || time < oldest)) oldest = time;
    const form = formOf(object);
    if (form === undefined) continue;
    const name = `${systemIdentifier ?? ''} ${form}`;
    const ends = chosen.get(name) ?? { first: [], last: [] };
    chosen.set(name, ends);
    const sample = { key: object.key, sizeBytes: object.sizeBytes, form };
    if (ends.first.length < FROM_EACH_END) ends.first.push(sample);
    else if (ends.last.push(sample) > FROM_EACH_END) ends.last.shift();
  }
  return { samples: [...chosen.values()].flatMap(({ first, last }) => [...first, ...last]), oldest };
}

const FORMS: readonly (readonly [RegExp, ContentSample['form']])[] = [
  [/^\d+\/backups\//, 'manifest'],
  [/^\d+\/indexes\//, 'index'],
  [/^\d+\/wal\/[0-9A-F]{8}\/[0-9A-F]{24}$/, 'wal'],
  [/^\d+\/packs\//, 'pack'],
  [/^\d+\/dumps\/[^/]+\/manifest\.json$/, 'dump'],
  [/^\d+\/drills\//, 'drill'],
  [/^\d+\/verifications\//, 'verification'],
];

function formOf({ key }: StoredObject): ContentSample['form'] | undefined {
  return FORMS.find(([pattern]) => pattern.test(key))?.[1];
}

/** Copies are younger than what they are copies of: the label of a backup or report tells when it was written. */
function timeOfLabel(key: string): Date | undefined {
  const match = LABEL.exec(key);
  if (match === null) return undefined;
  const [, year, month, day, hours, minutes, seconds] = match;
  const time = new Date(`${year}-${month}-${day}T${hours}:${minutes}:${seconds}Z`);
  return Number.isNaN(time.getTime()) ? undefined : time;
}
