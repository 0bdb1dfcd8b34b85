import type { Privilege } from '../privileges.ts';

/** A name as `on:` takes it: bare where that is read back as the same name, in double quotes elsewhere. */
export function nameText(name: string): string {
  return /^[a-z_][a-z0-9_$]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

/** `table core.play`. The name of a routine is as the catalog's reader has it: quoted by the server, with argument types. */
export function objectText(kind: string, schema: string, name: string): string {
  return `${kind} ${nameText(schema)}.${kind === 'routine' ? name : nameText(name)}`;
}

export function wildcardText(kind: string, schema: string): string {
  return `${kind} ${nameText(schema)}.*`;
}

/** Privileges as the file has them: `[select, alter system]`. */
export function privilegeWords(privileges: readonly Privilege[]): readonly string[] {
  return privileges.map((privilege) => privilege.toLowerCase());
}

/** Text order that does not depend on the machine's language. */
export function byText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
