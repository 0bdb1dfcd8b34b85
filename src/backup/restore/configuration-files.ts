import path from 'node:path';

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

/** Such files as they are laid down below `directory`, each under its old path. */
export interface MovedFiles {
  readonly files: readonly OuterFile[];
  /** Directories that are included and have to be there, also when nothing of them was saved. */
  readonly directories: readonly string[];
}

const INCLUDE = /^(\s*(include|include_dir|include_if_exists)\s*=?\s*')([^']+)'/gim;

/** Moves the files; what they include by absolute path is led to the copies where there are any. */
export function moveOuterFiles(files: readonly OuterFile[], directory: string): MovedFiles {
  const directories = new Set<string>();
  const moved = files.map((file) => ({
    path: `${directory}${file.path}`,
    content: leadToCopies(file.content, files, directory, (target) => {
      directories.add(`${directory}${path.posix.resolve(path.posix.dirname(file.path), target)}`);
    }),
  }));
  return { files: moved, directories: [...directories] };
}

/**
 * A configuration file's text with its includes by absolute path led to where `files` were copied, below `directory`;
 * others stay. `onRelative` is told of directories included by a path that follows the file.
 */
export function leadToCopies(
  content: string,
  files: readonly OuterFile[],
  directory: string,
  onRelative: (directory: string) => void = () => undefined,
): string {
  return content.replaceAll(INCLUDE, (line, head: string, word: string, target: string) => {
    const isDirectory = word.toLowerCase() === 'include_dir';
    if (!target.startsWith('/')) {
      if (isDirectory) onRelative(target);
      return line;
    }
    const wanted = target.replace(/\/+$/, '');
    const isCopied = files.some((other) => (isDirectory ? other.path.startsWith(`${wanted}/`) : other.path === wanted));
    return isCopied ? `${head}${directory.replaceAll("'", "''")}${wanted}'` : line;
  });
}

const RELATIVE_INCLUDE = /^[ \t]*(include|include_dir)\b[ \t]*=?[ \t]*(?:'([^']+)'|"([^"]+)"|([^\s'"#=]+))/gim;

/** What a configuration file of the data directory includes by a path that follows it, and the server does not start without. */
export interface NeededIncludes {
  /** Relative to the data directory; never outside of it. */
  readonly directories: readonly string[];
  readonly files: readonly string[];
}

/** What `content`, the file at `file` in the data directory, needs there. Includes of what may be missing are not among it. */
export function neededIncludes(file: string, content: string): NeededIncludes {
  const directories: string[] = [];
  const files: string[] = [];
  for (const [, word = '', ...targets] of content.matchAll(RELATIVE_INCLUDE)) {
    const target = targets.find((each) => each !== undefined) ?? '';
    const found = path.posix.join(path.posix.dirname(file), target).replace(/\/+$/, '');
    if (target.startsWith('/') || found === '.' || found === '..' || found.startsWith('../')) continue;
    (word.toLowerCase() === 'include_dir' ? directories : files).push(found);
  }
  return { directories, files };
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
