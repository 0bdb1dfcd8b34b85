/** What `dbadmin repository list`, `repository key list`, `backup expire` and `backup hold` print with --json, as far as the screen shows it. */

export const KINDS = [
  'packs',
  'indexes',
  'manifests',
  'wal',
  'dumps',
  'reports',
  'leases',
  'marks',
  'ledger',
  'identity',
  'other',
] as const;
export type ObjectKind = (typeof KINDS)[number];

export interface RepositoriesDocument {
  readonly repositories: readonly Repository[];
}

/** Null for what is not known, as where it cannot be reached. */
export interface Repository {
  readonly name: string;
  readonly type: 'disk' | 's3';
  readonly place: string;
  readonly reachable: boolean;
  readonly problem: string | null;
  readonly writable: boolean | null;
  readonly format: number | null;
  readonly objects: number | null;
  readonly usedBytes: number | null;
  readonly freeBytes: number | null;
  readonly growthBytesPerDay: number | null;
  readonly daysUntilFull: number | null;
  readonly backups: number | null;
  readonly oldestBackup: string | null;
  readonly newestBackup: string | null;
  readonly createdAt: string | null;
  readonly encryption: 'none' | 'aes-256-gcm' | null;
  readonly conditionalCreate: boolean | null;
  readonly objectLockDays: number | null;
  readonly kinds: Readonly<Record<ObjectKind, { readonly objects: number; readonly bytes: number }>> | null;
  readonly curve: readonly CurvePoint[] | null;
  readonly clusters: readonly ListedCluster[] | null;
}

export interface CurvePoint {
  readonly day: string;
  readonly keptBytes: number;
}

export interface ListedCluster {
  /** Null where nothing says it. */
  readonly name: string | null;
  readonly systemIdentifier: string;
  readonly serverVersion: number | null;
  readonly usedBytes: number;
  readonly packBytes: number;
  readonly backups: number;
  readonly plainBytes: number;
  readonly oldestBackup: string | null;
  readonly newestBackup: string | null;
  readonly leases: readonly {
    readonly lease: string;
    readonly owner: { readonly command: string; readonly host: string; readonly pid: number };
    readonly since: string;
    readonly lastSignAt: string;
    readonly isLate: boolean;
  }[];
  readonly marked: { readonly packs: number; readonly firstAt: string; readonly lastAt: string } | null;
  readonly verified: {
    readonly label: string;
    readonly finishedAt: string;
    readonly extent: 'structure' | 'sample' | 'everything';
    readonly isSound: boolean;
    readonly faults: number;
  } | null;
}

export interface KeysDocument {
  readonly repository: string;
  readonly encryption: string;
  readonly keys: readonly {
    readonly id: string;
    readonly kind: string;
    readonly createdAt: string;
    readonly note: string;
    readonly isConfigured: boolean;
  }[];
}

export interface ExpiryDocument {
  readonly applied: boolean;
  readonly repositories: readonly (
    | ExpiryPlan
    | { readonly repository: string; readonly error: { readonly code: string; readonly message: string } }
  )[];
}

export interface ExpiryPlan {
  readonly repository: string;
  readonly backups: readonly Kept[];
  readonly dumps: readonly Kept[];
  readonly wal: { readonly objects: number; readonly bytes: number };
}

export interface Kept {
  readonly label: string;
  readonly at: string | null;
  readonly stays: boolean;
  /** Of one that no rule keeps: until when the storage does. */
  readonly lockedUntil: string | null;
  readonly why: readonly string[];
}

export interface HoldsDocument {
  readonly repositories: readonly {
    readonly repository: string;
    readonly holds: readonly {
      readonly label: string;
      readonly reason: string;
      readonly until: string | null;
      readonly placedAt: string;
      readonly by: string;
    }[];
  }[];
}

export interface RebuildDocument {
  readonly packs: number;
  readonly added: number;
  readonly replaced: readonly string[];
  readonly missing: readonly string[];
}

export interface SyncDocument {
  readonly from: string;
  readonly to: string;
  readonly backups: readonly { readonly label: string; readonly storedBytes: number }[];
  readonly left: readonly string[];
  /** Backups whose manifest cannot be read. */
  readonly failed: readonly { readonly name: string; readonly problem: string }[];
}
