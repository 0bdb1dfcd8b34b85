import type { SettingValue } from './document/document.ts';
import type { SettingType } from './state.ts';

/** Settings that are lists of names; the server quotes each element when it stores them. */
const NAME_LISTS = ['search_path', 'temp_tablespaces', 'session_preload_libraries', 'local_preload_libraries', 'shared_preload_libraries'];

const TIME_US: Readonly<Record<string, number>> = { us: 1, ms: 1000, s: 1e6, min: 6e7, h: 3.6e9, d: 8.64e10 };
const SIZE_BYTES: Readonly<Record<string, number>> = { B: 1, kB: 2 ** 10, MB: 2 ** 20, GB: 2 ** 30, TB: 2 ** 40 };

/** The value as SET must be given it: a list setting always as a list, so that `a, b` is not one schema of that name. */
export function settingValue(name: string, value: SettingValue): SettingValue {
  return NAME_LISTS.includes(name) && typeof value === 'string' ? splitList(value) : value;
}

/** Whether two texts of a setting mean the same to the server: `30s` and `30000` where the unit is ms, `on` and `true`. */
export function sameSetting(name: string, left: SettingValue, right: SettingValue, type: SettingType | undefined): boolean {
  return settingKey(name, left, type) === settingKey(name, right, type);
}

function settingKey(name: string, value: SettingValue, type: SettingType | undefined): string {
  if (NAME_LISTS.includes(name) || typeof value !== 'string') {
    return JSON.stringify(typeof value === 'string' ? splitList(value) : withoutNothing(value));
  }
  const text = value.trim();
  const vartype = type?.vartype ?? 'string';
  if (vartype === 'bool') return booleanKey(text);
  if (vartype === 'integer' || vartype === 'real') return quantityKey(text, type?.unit);
  if (vartype === 'enum') return text.toLowerCase();
  // A list that is not of names (DateStyle) is stored joined.
  return text.includes(',') ? JSON.stringify(splitList(text)) : JSON.stringify([value]);
}

function booleanKey(text: string): string {
  const word = text.toLowerCase();
  if (['on', 'true', 'yes', '1', 't', 'y', 'tr', 'tru', 'ye'].includes(word)) return 'on';
  return ['off', 'false', 'no', '0', 'f', 'n', 'of', 'fa', 'fal', 'fals'].includes(word) ? 'off' : word;
}

function quantityKey(text: string, unit: string | undefined): string {
  const match = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)\s*([a-zA-Z]*)$/i.exec(text);
  if (match === null) return text;
  const own = /^(\d*)\s*([a-zA-Z]+)$/.exec(unit ?? '');
  const ownFactor = unitFactor(own?.[2] ?? '') * Number(own?.[1] === '' || own === null ? 1 : own[1]);
  const factor = match[2] === '' ? ownFactor : unitFactor(match[2] ?? '');
  return String(Math.round(((Number(match[1]) * factor) / ownFactor) * 1e6) / 1e6);
}

function unitFactor(unit: string): number {
  return TIME_US[unit] ?? SIZE_BYTES[unit] ?? 1;
}

/**
 * The elements of a list as the server stores it: `app, "Odd, name"` is two. It quotes whatever is not in lower case, so that
 * nothing has to be folded; and a list of nothing is stored as one empty name.
 */
export function splitList(text: string): readonly string[] {
  const parts = text.match(/\s*(?:"(?:[^"]|"")*"|[^",]+)+\s*/g) ?? [];
  return withoutNothing(
    parts.map((part) => {
      const trimmed = part.trim();
      return /^".*"$/s.test(trimmed) ? trimmed.slice(1, -1).replaceAll('""', '"') : trimmed;
    }),
  );
}

function withoutNothing(list: readonly string[]): readonly string[] {
  return list.length === 1 && list[0] === '' ? [] : list;
}
