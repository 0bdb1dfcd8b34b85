/** Whom a password is looked up for. For physical replication libpq asks for the database `replication`. */
export interface PasswordQuestion {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
}

/**
 * The password of the first line of a `.pgpass` that matches, or undefined.
 *
 * Lines are `host:port:database:user:password`; the first four may be `*`; `\:` and `\\` are literal; `#` begins a comment
 * line. A socket is asked for by its directory, and the default directory also as `localhost`.
 *
 * @see https://www.postgresql.org/docs/current/libpq-pgpass.html
 */
export function findPassword(text: string, question: PasswordQuestion, defaultSocketDirectory?: string): string | undefined {
  const isDefaultSocket = question.host === defaultSocketDirectory;
  const wanted = [question.host, String(question.port), question.database, question.user];
  for (const line of text.split(/\r?\n/)) {
    if (line === '' || line.startsWith('#')) continue;
    const fields = splitFields(line);
    const password = fields[4];
    if (password === undefined) continue;
    const matches = wanted.every((value, index) => {
      const field = fields[index];
      return field?.raw === '*' || field?.text === value || (index === 0 && isDefaultSocket && field?.text === 'localhost');
    });
    if (matches) return password.text;
  }
  return undefined;
}

interface Field {
  readonly raw: string;
  readonly text: string;
}

/** The first five fields; a colon in the password needs no escape, since nothing follows it. */
function splitFields(line: string): readonly Field[] {
  const fields: Field[] = [];
  let raw = '';
  for (let index = 0; index < line.length; index += 1) {
    const character = line[index] ?? '';
    if (character === '\\' && index + 1 < line.length) {
      raw += character + (line[index + 1] ?? '');
      index += 1;
    } else if (character === ':' && fields.length < 4) {
      fields.push(field(raw));
      raw = '';
    } else raw += character;
  }
  fields.push(field(raw));
  return fields;
}

function field(raw: string): Field {
  return { raw, text: raw.replace(/\\(.)/g, '$1') };
}
