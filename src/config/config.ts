import type { Secret } from '../base/secret.ts';
import type { ConnectionParameters } from '../postgres/parameters.ts';

/** dbadmin.yaml after parsing: trusted, complete, defaults filled in, every path absolute. */
export interface Config {
  /** The file it came from, or undefined when there was none and `--url` or the environment sufficed. */
  readonly file: string | undefined;
  /** The directory that relative paths start from: the file's, else the working directory. */
  readonly directory: string;
  readonly clusters: ReadonlyMap<string, ClusterConfig>;
  /** Name in {@link Config.clusters} used when `--cluster` is not given. */
  readonly defaultCluster: string;
  readonly repositories: ReadonlyMap<string, RepositoryConfig>;
  readonly paths: ProjectPaths;
  readonly migrate: MigrateConfig;
  readonly control: ControlConfig;
  readonly console: ConsoleConfig;
  /** Sentences about what is unwise or was ignored: a password written in the file, a password file others can read. */
  readonly warnings: readonly string[];
}

export interface ClusterConfig {
  readonly name: string;
  readonly connection: ConnectionParameters;
  /** How to connect for physical replication; the same as `connection` unless configured apart. */
  readonly replication: ConnectionParameters;
  /** How the console connects to look; undefined for `connection`. */
  readonly reading?: ConnectionParameters | undefined;
  /** Names of the repositories its backups go to, in order of preference for restores; may be empty. */
  readonly repositories: readonly string[];
  /** Physical replication slot of `wal receive`. */
  readonly slot: string;
  /** Marked as production: seeds and tests are kept away from it. A `--url` leads elsewhere and carries no mark. */
  readonly production: boolean;
}

export interface ProjectPaths {
  readonly migrations: string;
  readonly routines: string;
  readonly seeds: string;
  readonly tests: string;
  readonly schema: string;
  readonly migrationsLock: string;
  readonly roles: string;
  readonly policies: string;
  /** The private key that signs reports of drills; undefined for the user's state directory. */
  readonly drillKey: string | undefined;
}

export interface MigrateConfig {
  /** Schema of `migration_history`. */
  readonly schema: string;
  readonly lockTimeoutMs: number;
}

/** The database that workers share: what ran, what is queued, what is paused. */
export interface ControlConfig {
  /** That of the default cluster unless one is named. */
  readonly connection: ConnectionParameters;
  readonly schema: string;
  /** A worker that gives no sign of life for so long loses its jobs to others. */
  readonly heartbeatSeconds: number;
  /** Whether dbadmin.yaml has a `control` of its own. */
  readonly isStated: boolean;
}

/** Who may sign in to the console besides its own users, and for how long. */
export interface ConsoleConfig {
  readonly oidc: OidcConfig | undefined;
  /** A session ends after so long without a request, and after so long whatever is done. */
  readonly session: { readonly idleMs: number; readonly longestMs: number };
}

/** A provider of sign-ins by OpenID Connect. */
export interface OidcConfig {
  /** As the provider calls itself, to the letter; plain http only on loopback. */
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: Secret | undefined;
  /** Undefined for what the provider says it takes. */
  readonly clientAuthentication: 'basic' | 'post' | undefined;
  readonly scopes: readonly string[];
  /** Name of the claim with the groups, or a path of names with dots between. */
  readonly claim: string;
  readonly roles: { readonly operator: readonly string[]; readonly viewer: readonly string[] };
  /** What the button says. */
  readonly label: string;
}

/** How stored objects are encrypted. `none` is said loudly by `backup check`. */
export type EncryptionConfig =
  | { readonly kind: 'none' }
  | { readonly kind: 'passphrase'; readonly passphrase: Secret }
  | { readonly kind: 'key-file'; readonly path: string };

export type RepositoryConfig = DiskRepositoryConfig | S3RepositoryConfig;

interface RepositoryCommon {
  readonly name: string;
  readonly encryption: EncryptionConfig;
}

export interface DiskRepositoryConfig extends RepositoryCommon {
  readonly type: 'disk';
  readonly path: string;
}

/** Credentials come from the SDK's own chain, or from the profile, unless both keys are configured. */
export interface S3RepositoryConfig extends RepositoryCommon {
  readonly type: 's3';
  readonly bucket: string;
  /** Without slashes at its ends; may be empty. */
  readonly prefix: string;
  /** Undefined: the one of the profile. */
  readonly region: string | undefined;
  readonly endpoint: string | undefined;
  readonly pathStyle: boolean;
  readonly caFile: string | undefined;
  readonly accessKeyId: string | undefined;
  readonly secretAccessKey: Secret | undefined;
  readonly profile: string | undefined;
  readonly storageClass: string | undefined;
  readonly serverSideEncryption:
    | { readonly kind: 'none' }
    | { readonly kind: 's3' }
    | { readonly kind: 'kms'; readonly keyId: string | undefined }
    /** 32 bytes in base64. */
    | { readonly kind: 'customer'; readonly key: Secret };
  readonly tags: Readonly<Record<string, string>>;
  readonly requesterPays: boolean;
  /** For how long what is to be kept is locked, and how; both or neither. */
  readonly objectLockDays: number | undefined;
  readonly lockMode: 'governance' | 'compliance' | undefined;
}
