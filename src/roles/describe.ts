import { printable } from '../base/printable.ts';
import type { AlterRole, Change, CreateRole, DefaultChange, GrantMembership, ObjectSet, PrivilegeChange, SettingChange } from './change.ts';
import { ROLE_ATTRIBUTES, type SettingValue } from './document/document.ts';
import { describeLifecycle } from './describe-lifecycle.ts';
import { isLifecycleChange } from './lifecycle-change.ts';
import { granteeText } from './state.ts';

/** What a change does to who may do what. */
export type Risk = 'SAFE' | 'WIDEN' | 'NARROW' | 'DESTROY';

/** A change as a plan shows it. */
export interface ChangeLine {
  readonly risk: Risk;
  /** The role it is about, PUBLIC, or a schema. */
  readonly subject: string;
  readonly sign: '+' | '−' | '~';
  readonly text: string;
  /** What else is good to know; may be empty. */
  readonly remark: string;
}

export function describeChange(change: Change): ChangeLine {
  if (isLifecycleChange(change)) {
    const { risk, subject, sign, text, remark } = describeLifecycle(change);
    return line(risk, subject, sign, text, remark);
  }
  if (change.kind === 'create-role') return describeCreate(change);
  if (change.kind === 'alter-role') return describeAlter(change);
  if (change.kind === 'comment-role') return line('SAFE', change.role, '~', 'comment');
  if (change.kind === 'password') {
    const texts = { set: 'password: <changed>', generate: 'password: <generated>', remove: 'password taken away' } as const;
    return line(
      change.action === 'remove' ? 'NARROW' : 'SAFE',
      change.role,
      change.action === 'remove' ? '−' : '~',
      texts[change.action],
      change.source,
    );
  }
  if (change.kind === 'grant-membership') return describeMembership(change);
  if (change.kind === 'revoke-membership') {
    const what = change.what === 'admin' ? `may no longer administer ${change.role}` : `member of ${change.role}`;
    const remarks = [
      ...(change.ended === undefined ? [] : [`ended ${shortInstant(change.ended)}`]),
      ...(change.grantor === undefined ? [] : [`granted by ${change.grantor}`]),
    ];
    return line('NARROW', change.member, '−', what, remarks.join(', '));
  }
  if (change.kind === 'setting') return describeSetting(change);
  if (change.kind === 'create-schema') return line('SAFE', change.owner, '+', `schema ${change.schema}`, `in ${change.database}`);
  if (change.kind === 'own-schema') return line('WIDEN', change.owner, '+', `owner of schema ${change.schema}`, `was ${change.was}`);
  if (change.kind === 'own-database') return line('WIDEN', change.owner, '+', `owner of database ${change.database}`, `was ${change.was}`);
  if (change.kind === 'own-objects') {
    const objects = objectText({ kind: change.of, schema: change.schema, names: change.names, all: false });
    return line('WIDEN', change.owner, '+', `owner of ${objects}`, `was ${change.was}`);
  }
  return change.kind === 'privilege' ? describePrivilege(change) : describeDefault(change);
}

function line(risk: Risk, subject: string, sign: ChangeLine['sign'], text: string, remark = ''): ChangeLine {
  return { risk, subject: printable(subject), sign, text: printable(text), remark: printable(remark) };
}

function describeCreate(change: CreateRole): ChangeLine {
  const powers = ROLE_ATTRIBUTES.filter((attribute) => attribute !== 'inherit' && change.attributes[attribute] === true);
  const kind = change.login === true ? 'role that logs in' : 'group role';
  return line(change.login === true || powers.length > 0 ? 'WIDEN' : 'SAFE', change.role, '+', kind, powers.join(', '));
}

function describeAlter(change: AlterRole): ChangeLine {
  const parts: string[] = [];
  let [widens, narrows] = [false, false];
  const flag = (name: string, value: boolean): void => {
    parts.push(`${value ? '' : 'no '}${name}`);
    if (value) widens = true;
    else narrows = true;
  };
  if (change.login !== undefined) flag('login', change.login);
  for (const attribute of ROLE_ATTRIBUTES) {
    const value = change.attributes[attribute];
    if (value !== undefined) flag(attribute, value);
  }
  if (change.connectionLimit !== undefined) {
    const [was, now] = [change.was.connectionLimit ?? -1, change.connectionLimit];
    parts.push(`connection limit ${limitText(was)} → ${limitText(now)}`);
    if (now === -1 || (was !== -1 && now > was)) widens = true;
    else narrows = true;
  }
  if (change.validUntil !== undefined) {
    const [was, now] = [change.was.validUntil ?? 'no end', change.validUntil ?? 'no end'];
    parts.push(`valid until ${was} → ${now}`);
    if (now === 'no end' || (was !== 'no end' && now > was)) widens = true;
    else narrows = true;
  }
  return line(widens ? 'WIDEN' : narrows ? 'NARROW' : 'SAFE', change.role, '~', parts.join(', '));
}

function limitText(limit: number): string {
  return limit === -1 ? 'none' : String(limit);
}

function describeMembership(change: GrantMembership): ChangeLine {
  const options = [
    ...(change.inherit === undefined ? [] : [change.inherit ? 'inherit' : 'no inherit']),
    ...(change.set === undefined ? [] : [change.set ? 'set' : 'no set']),
    ...(change.admin ? ['admin'] : []),
    ...(change.until === undefined ? [] : [`until ${shortInstant(change.until)}`]),
  ].join(', ');
  const { was } = change;
  if (was === undefined) return line('WIDEN', change.member, '+', `member of ${change.role}`, options);
  const widens = (change.admin && !was.admin) || (change.inherit === true && !was.inherit) || (change.set === true && !was.set);
  return line(widens ? 'WIDEN' : 'NARROW', change.member, '~', `member of ${change.role}`, options);
}

/** `2027-01-31` for the first moment of a day in UTC, else the whole instant without its zeros. */
export function shortInstant(instant: string): string {
  return instant.replace(/T00:00:00(?:\.000)?Z$/, '').replace(/(T\d{2}:\d{2})(?::00)?(?:\.000)?Z$/, '$1Z');
}

function describeSetting(change: SettingChange): ChangeLine {
  const text = (value: SettingValue): string => (typeof value === 'string' ? value : value.join(', ')) || "''";
  const values =
    change.value === undefined
      ? `reset, was ${text(change.was ?? '')}`
      : change.was === undefined
        ? text(change.value)
        : `${text(change.was)} → ${text(change.value)}`;
  const subject = change.role ?? change.database ?? '';
  const place = change.role !== undefined && change.database !== undefined ? `in ${change.database}` : '';
  return line('SAFE', subject, change.value === undefined ? '−' : change.was === undefined ? '+' : '~', `${change.name} ${values}`, place);
}

function describePrivilege(change: PrivilegeChange): ChangeLine {
  const subject = [change.grantee, ...(change.others ?? [])].map(granteeText).join(', ');
  const what = `${change.privileges.join(', ')} on ${objectText(change.on)}`;
  if (change.action === 'grant') {
    const remarks = [
      ...(change.grantable ? ['with grant option'] : []),
      ...(change.actAs === undefined ? [] : [`granted by ${change.actAs}`]),
      // Closed until then, not open: that is what a rule about columns is for.
      ...(change.on.kind === 'column' ? ['columns made later: not before the next apply'] : []),
    ];
    return line('WIDEN', subject, '+', what, remarks.join(', '));
  }
  return line('NARROW', subject, '−', change.action === 'revoke-option' ? `grant option of ${what}` : what, `granted by ${change.grantor}`);
}

const SHOWN_NAMES = 3;

function objectText(on: ObjectSet): string {
  if ('name' in on) return `${on.kind} ${on.name}`;
  if (on.kind === 'column') return `${on.columns.length === 1 ? 'column' : 'columns'} ${on.columns.join(', ')} of ${on.schema}.${on.table}`;
  if (on.all) return `all ${on.names.length} ${on.kind}s in ${on.schema}`;
  if (on.names.length === 1)
    return on.kind === 'table' ? `${on.schema}.${on.names[0] ?? ''}` : `${on.kind} ${on.schema}.${on.names[0] ?? ''}`;
  const shown = on.names.slice(0, SHOWN_NAMES).join(', ');
  return `${on.names.length} ${on.kind}s in ${on.schema}: ${shown}${on.names.length > SHOWN_NAMES ? ', …' : ''}`;
}

function describeDefault(change: DefaultChange): ChangeLine {
  const where = change.schema === undefined ? 'anywhere' : `in ${change.schema}`;
  const what = `${change.privileges.join(', ')} on ${change.of}s that ${change.creator} will make ${where}`;
  const subject = [change.grantee, ...(change.others ?? [])].map(granteeText).join(', ');
  if (change.action === 'grant') return line('WIDEN', subject, '+', what, change.grantable ? 'with grant option' : '');
  return line('NARROW', subject, '−', change.action === 'revoke-option' ? `grant option of ${what}` : what);
}

/** How many changes of each risk. */
export function countRisks(lines: readonly ChangeLine[]): Readonly<Record<Lowercase<Risk>, number>> {
  const count = (risk: Risk): number => lines.filter((each) => each.risk === risk).length;
  return { safe: count('SAFE'), widen: count('WIDEN'), narrow: count('NARROW'), destroy: count('DESTROY') };
}
