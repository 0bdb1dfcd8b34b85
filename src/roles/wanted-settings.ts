import { settingPlace, type Position, type RolesDocument, type SettingValue } from './document/document.ts';
import { sameSetting, settingValue } from './settings.ts';
import type { ClusterState, StoredSetting } from './state.ts';

/** A setting as the file wants it, and where it says so. */
export interface WantedSetting extends StoredSetting {
  readonly at: Position;
}

/** The settings of roles, of roles in databases and of databases. */
export function wantedSettings(document: RolesDocument): readonly WantedSetting[] {
  const found: WantedSetting[] = [];
  const add = (
    of: { readonly at: Position; readonly settingsAt: ReadonlyMap<string, Position> },
    who: Pick<StoredSetting, 'role' | 'database'>,
    settings: ReadonlyMap<string, SettingValue> | undefined,
  ): void => {
    for (const [name, value] of settings ?? []) {
      const place = settingPlace(name, who.role === undefined ? undefined : who.database);
      found.push({ ...who, name, value: settingValue(name, value), at: of.settingsAt.get(place) ?? of.at });
    }
  };
  for (const role of document.roles.values()) {
    add(role, { role: role.name, database: undefined }, role.settings);
    for (const [database, settings] of role.settingsIn) add(role, { role: role.name, database }, settings);
  }
  for (const database of document.databases.values()) add(database, { role: undefined, database: database.name }, database.settings);
  return found;
}

/** Those that are not stored, or not with this value; `was` is what is stored. */
export function differingSettings(
  wanted: readonly WantedSetting[],
  { settings, settingTypes }: Pick<ClusterState, 'settings' | 'settingTypes'>,
): readonly (WantedSetting & { readonly was: SettingValue | undefined })[] {
  const stored = new Map(settings.map((setting) => [placeOf(setting), setting.value]));
  return wanted.flatMap((setting) => {
    const was = stored.get(placeOf(setting));
    const isSame = was !== undefined && sameSetting(setting.name, setting.value, was, settingTypes.get(setting.name));
    return isSame ? [] : [{ ...setting, was }];
  });
}

/** A text that is equal for settings of the same name, of the same role in the same database. */
export function placeOf(setting: Omit<StoredSetting, 'value'>): string {
  return JSON.stringify([setting.role, setting.database, setting.name]);
}
