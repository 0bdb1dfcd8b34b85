import { settingValues, type DatabaseSetting } from './database-properties.ts';

/** ALTER ROLE ALL SET: of every role in every database. */
export type SettingOfAll = Omit<DatabaseSetting, 'role'>;

/**
 * What pg_dumpall leaves out of globals, to go behind what it wrote: it writes what a role has, and these are of none. In ASCII, which is
 * the same in each encoding that it writes in, and for a session in which standard_conforming_strings is on, as it sets it.
 */
export function settingsOfAllText(settings: readonly SettingOfAll[]): string {
  if (settings.length === 0) return '';
  const lines = settings.map(({ name, value }) => {
    const names = name.split('.').map((part) => inAscii(part, '"'));
    const values = settingValues(name, value).map((each) => inAscii(each, "'"));
    return `ALTER ROLE ALL SET ${names.join('.')} TO ${values.join(', ')};\n`;
  });
  return `\n--\n-- Settings of all roles\n--\n\n${lines.join('')}`;
}

function inAscii(text: string, mark: string): string {
  const quoted = `${mark}${text.replaceAll(mark, mark + mark)}${mark}`;
  if (/^\p{ASCII}*$/u.test(text)) return quoted;
  const escaped = quoted.replaceAll('\\', '\\\\').replaceAll(/\P{ASCII}/gu, (each) => {
    return `\\+${(each.codePointAt(0) ?? 0).toString(16).padStart(6, '0')}`;
  });
  return `U&${escaped}`;
}
