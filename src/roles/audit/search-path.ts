import type { SettingValue } from '../document/document.ts';
import { splitList } from '../settings.ts';
import type { AuditState } from './state.ts';

/** Where `login` looks unqualified names up in `database` when it says nothing itself; `$user` is filled in. */
export function searchPathOf(state: AuditState, login: string, database: string): readonly string[] {
  // From the most to the least particular, as the server has it.
  const places = [
    { role: login, database },
    { role: login, database: undefined },
    { role: undefined, database },
    { role: undefined, database: undefined },
  ];
  for (const place of places) {
    const found = state.cluster.settings.find(
      (setting) => setting.name === 'search_path' && setting.role === place.role && setting.database === place.database,
    );
    if (found !== undefined) return withUser(pathOf(found.value), login);
  }
  return withUser(state.searchPath, login);
}

function pathOf(value: SettingValue): readonly string[] {
  return typeof value === 'string' ? splitList(value) : value;
}

function withUser(path: readonly string[], login: string): readonly string[] {
  return path.map((schema) => (schema === '$user' ? login : schema));
}
