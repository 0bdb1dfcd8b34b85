import { DbadminError } from '../base/errors.ts';
import { checkKeyword, type ConninfoSettings } from './conninfo.ts';

/**
 * The settings of section `[name]` of a pg_service.conf, or undefined when it has no such section.
 *
 * @throws {DbadminError} `config-invalid` with file and line for a line that is none or a setting that libpq does not have.
 * @see https://www.postgresql.org/docs/current/libpq-pgservice.html
 */
export function findService(text: string, name: string, file: string): ConninfoSettings | undefined {
  let settings: Record<string, string> | undefined;
  for (const [index, rawLine] of text.split(/\r?\n/).entries()) {
    const line = rawLine.trim();
    if (line === '' || line.startsWith('#')) continue;
    const header = /^\[(.*)\]$/.exec(line);
    if (header !== null) {
      if (settings !== undefined) return settings;
      if (header[1] === name) settings = {};
      continue;
    }
    if (settings === undefined) continue;
    const equals = line.indexOf('=');
    const keyword = line.slice(0, Math.max(0, equals)).trim();
    if (equals <= 0) throw new DbadminError('config-invalid', `${file}:${index + 1}: expected keyword=value`);
    if (keyword === 'service') throw new DbadminError('config-invalid', `${file}:${index + 1}: a service cannot name another service`);
    checkKeyword(keyword);
    // As in libpq, the first of two equal keywords counts.
    settings[keyword] ??= line.slice(equals + 1).trim();
  }
  return settings;
}
