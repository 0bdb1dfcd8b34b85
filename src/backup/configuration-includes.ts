/** A line of postgresql.conf, pg_hba.conf or pg_ident.conf that includes other files. */
export interface Include {
  /** A `file` and a `directory` have to be there, or the server does not start; what is `optional` is a file that need not. */
  readonly kind: 'file' | 'directory' | 'optional';
  /** As it is written, without quotes: absolute, or beginning where the file lies that says it. */
  readonly path: string;
}

const KINDS: Readonly<Record<string, Include['kind']>> = { include: 'file', include_dir: 'directory', include_if_exists: 'optional' };

/** Quoted as postgresql.conf has it, as pg_hba.conf has it, or not at all. */
const LINE = /^([ \t]*(include|include_dir|include_if_exists)(?:[ \t]*=[ \t]*|[ \t]+|(?=['"])))('(?:[^'\n]|'')+'|"[^"\n]+"|[^\s'"#=,]+)/gim;

/** The includes of a configuration file's text, in its order. */
export function includesOf(content: string): readonly Include[] {
  return Array.from(content.matchAll(LINE), ([, , word = '', value = '']) => includeOf(word, value));
}

/** The text with those includes leading to the path that `lead` gives for them; where it gives none they stay as they are. */
export function withIncludesLed(content: string, lead: (include: Include) => string | undefined): string {
  return content.replaceAll(LINE, (line: string, head: string, word: string, value: string) => {
    const led = lead(includeOf(word, value));
    if (led === undefined) return line;
    return `${head}${value.startsWith("'") ? `'${led.replaceAll("'", "''")}'` : `"${led}"`}`;
  });
}

function includeOf(word: string, value: string): Include {
  const kind = KINDS[word.toLowerCase()] ?? 'file';
  if (value.startsWith("'")) return { kind, path: value.slice(1, -1).replaceAll("''", "'") };
  return { kind, path: value.startsWith('"') ? value.slice(1, -1) : value };
}
