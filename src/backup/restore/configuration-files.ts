import path from 'node:path';
import { withIncludesLed } from '../configuration-includes.ts';

/**
 * The text of postgresql.conf with what leads out of a restored data directory taken out: `data_directory`, which would
 * start the original's cluster instead, and includes by absolute path. Undefined when there is no such line.
 */
export function withoutOutsideLines(conf: string): { readonly text: string; readonly left: readonly string[] } | undefined {
  const left: string[] = [];
  const lines = conf.split('\n').map((line) => {
    const isOutside = /^\s*data_directory\s*(=|\s)/i.test(line) || /^\s*include(_dir|_if_exists)?\s*=?\s*'\//i.test(line);
    if (!isOutside) return line;
    left.push(line.trim());
    return `# left out by dbadmin restore: ${line.trim()}`;
  });
  return left.length === 0 ? undefined : { text: lines.join('\n'), left };
}

/** The value that a configuration file gives a setting: its last line of that name wins. */
export function lastSetting(conf: string, name: string): string | undefined {
  const lines = [...conf.matchAll(new RegExp(`^\\s*${name}\\s*(?:=|\\s)\\s*(?:'((?:[^']|'')*)'|([^\\s#]+))`, 'gim'))];
  const last = lines.at(-1);
  return last?.[1]?.replaceAll("''", "'") ?? last?.[2];
}

/** Where a manifest keeps configuration files that lie outside of the data directory; their absolute path follows. */
export const OUTER_CONFIGURATION = '.dbadmin/config';

/** And those that are links in the data directory, or lie behind one; their path in it follows. A restore makes files of them. */
export const LINKED_CONFIGURATION = '.dbadmin/linked';

/** A configuration file from outside of the original's data directory. */
export interface OuterFile {
  /** Absolute path on the original's host. */
  readonly path: string;
  readonly content: string;
}

/** The absolute path of a manifest's entry that is such a file, or undefined for any other. */
export function outerPathOf(entryPath: string): string | undefined {
  return entryPath.startsWith(`${OUTER_CONFIGURATION}/`) ? entryPath.slice(OUTER_CONFIGURATION.length) : undefined;
}

/** The path in the data directory of a manifest's entry that is a link there, or undefined for any other. */
export function linkedPathOf(entryPath: string): string | undefined {
  return entryPath.startsWith(`${LINKED_CONFIGURATION}/`) ? entryPath.slice(LINKED_CONFIGURATION.length + 1) : undefined;
}

/** Where files from outside are laid down: beside the data directory. */
export function outerDirectoryOf(dataDirectory: string): string {
  return `${dataDirectory}.config`;
}

/** What of a configuration outside of the data directory is in a backup. */
export interface OuterTree {
  readonly files: readonly OuterFile[];
  /** Directories that are included, absolute; those with a file in `files` need not be among them. */
  readonly directories: readonly string[];
}

/** The same as it is laid down below `directory`, each under its old path; what the files include is led to the copies where there are any. */
export function moveOuter(outer: OuterTree, directory: string): OuterTree {
  return {
    files: outer.files.map((file) => ({ path: `${directory}${file.path}`, content: leadToCopies(file.content, outer, directory) })),
    directories: outer.directories.map((each) => `${directory}${each}`),
  };
}

/**
 * A configuration file's text with its includes by absolute path led to where `outer` was copied, below `directory`; others stay: what
 * was not saved may be put back where it was.
 */
export function leadToCopies(content: string, { files, directories }: OuterTree, directory: string): string {
  return withIncludesLed(content, ({ kind, path: target }) => {
    if (!target.startsWith('/')) return undefined;
    const wanted = path.posix.resolve(target);
    const isCopied =
      kind === 'directory'
        ? directories.includes(wanted) || files.some((other) => other.path.startsWith(`${wanted}/`))
        : files.some((other) => other.path === wanted);
    return isCopied ? `${directory}${wanted}` : undefined;
  });
}

/** postgresql.conf in a restored production's data directory: it leads to the copy of the one that lay outside. */
export function leadingMainConf(mainPath: string, dataDirectory: string): string {
  const quote = (text: string): string => `'${text.replaceAll("'", "''")}'`;
  return [
    '# Written by dbadmin restore: the original keeps its configuration outside of its data directory.',
    `include ${quote(mainPath)}`,
    `data_directory = ${quote(dataDirectory)}`,
    '',
  ].join('\n');
}
