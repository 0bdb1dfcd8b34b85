import { SEALED_KINDS, type SealedKind } from '../../repository/envelope.ts';
import { CLUSTER_PREFIX, IDENTITY_KEY, KEYS_PREFIX } from '../../repository/layout.ts';

/** What belongs under a key, judged by the key alone; of what lies among the WAL walObject tells. @see FORMAT.md "Keys" */
export type ObjectPlace =
  | { readonly kind: 'pack'; readonly pack: string }
  | { readonly kind: 'dump'; readonly label: string; readonly isManifest: boolean }
  /** One sealed object, of the kind named where the place tells it. */
  | { readonly kind: 'sealed'; readonly sealed: SealedKind | undefined }
  /** Left by a check that was killed; means nothing. */
  | { readonly kind: 'leftover' }
  /** Not in a place that the format knows. */
  | { readonly kind: 'foreign' };

const SEALED_PLACES: Readonly<Record<string, SealedKind>> = {
  indexes: 'index',
  backups: 'manifest',
  gaps: 'gap',
  expired: 'gap',
  leases: 'lease',
  marks: 'mark',
  holds: 'hold',
  drills: 'drill',
  verifications: 'verification',
  ledger: 'ledger',
};

export function placeOf(key: string): ObjectPlace {
  if (key === IDENTITY_KEY) return { kind: 'sealed', sealed: 'identity' };
  if (/^(check|check-lock|probe)-[0-9a-f]+$/.test(key)) return { kind: 'leftover' };
  if (key.startsWith(CLUSTER_PREFIX)) return { kind: 'sealed', sealed: 'cluster' };
  if (key.startsWith(KEYS_PREFIX)) return { kind: 'sealed', sealed: 'key' };
  if (key.startsWith('spotify/')) return { kind: 'sealed', sealed: 'page' };
  const [, area = '', rest = ''] = /^\d+\/([a-z]+)\/(.+)$/.exec(key) ?? [];
  if (area === '') return { kind: 'foreign' };
  if (area === 'packs') {
    const pack = /^[0-9a-f]{2}\/([0-9a-f]{32})$/.exec(rest)?.[1];
    return pack === undefined ? { kind: 'foreign' } : { kind: 'pack', pack };
  }
  if (area === 'dumps') {
    const [, label, name] = /^([^/]+)\/([^/]+)$/.exec(rest) ?? [];
    if (label !== undefined && name !== undefined) return { kind: 'dump', label, isManifest: name.startsWith('manifest') };
  }
  return { kind: 'sealed', sealed: SEALED_PLACES[area] };
}

/** The kind that a sealed object says it is, from its ninth byte; undefined for a letter that this version does not know. */
export function kindOfLetter(letter: string): SealedKind | undefined {
  return (Object.keys(SEALED_KINDS) as SealedKind[]).find((kind) => SEALED_KINDS[kind] === letter);
}
