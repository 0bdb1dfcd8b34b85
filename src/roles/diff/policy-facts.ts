import type { TableRowSecurity } from '../lifecycle-state.ts';
import type { Fact } from './difference.ts';

/** Row security of tables: whether it is on, and each policy in the server's normal form. `place` names the database where there are several. */
export function policyFacts(tables: readonly TableRowSecurity[], place: string): readonly Fact[] {
  return tables.flatMap((table): readonly Fact[] => {
    const subject = `table ${table.schema}.${table.name}${place}`;
    const state = table.enabled ? (table.forced ? 'on, for the owner too' : 'on') : 'off';
    const policies = table.policies.map((policy): Fact => {
      const parts = [
        policy.restrictive ? 'restrictive' : '',
        `for ${policy.command}`,
        `to ${policy.to?.join(', ') ?? 'PUBLIC'}`,
        policy.using === undefined ? '' : `using ${policy.using}`,
        policy.check === undefined ? '' : `check ${policy.check}`,
      ];
      return { section: 'row security', subject, text: `policy ${policy.name}`, value: parts.filter((part) => part !== '').join(' ') };
    });
    return [{ section: 'row security', subject, text: 'row security', value: state }, ...policies];
  });
}
