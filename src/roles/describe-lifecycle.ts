import type { ChangeLine } from './describe.ts';
import type { LifecycleChange, PolicyText, RetireOwned } from './lifecycle-change.ts';

/** A change about rows or about the end of a role, as a plan shows it. */
export function describeLifecycle(change: LifecycleChange): ChangeLine {
  switch (change.kind) {
    case 'row-security': {
      const [enable, force] = [change.enable, change.force];
      const words = [
        ...(enable === undefined ? [] : [`row security ${enable ? 'enabled' : 'disabled'}`]),
        ...(force === undefined ? [] : [force ? 'binds the owner too' : 'does not bind the owner']),
      ];
      const widens = enable === false || (enable === undefined && force === false);
      return { risk: widens ? 'WIDEN' : 'NARROW', subject: tableOf(change), sign: '~', text: words.join(', '), remark: '' };
    }
    case 'create-policy': {
      const { policy } = change;
      const risk = policy.restrictive ? 'NARROW' : 'WIDEN';
      return { risk, subject: tableOf(change), sign: '+', text: policyText(policy), remark: restriction(policy.restrictive) };
    }
    case 'alter-policy': {
      const remark = change.doubt === undefined ? change.differs.join(', ') : `could not be compared: ${change.doubt}`;
      return { risk: 'WIDEN', subject: tableOf(change), sign: '~', text: policyText(change.policy), remark };
    }
    case 'drop-policy': {
      const remark = change.isReplaced ? 'to be made anew' : restriction(change.restrictive);
      const risk = change.restrictive ? 'WIDEN' : 'NARROW';
      return { risk, subject: tableOf(change), sign: '−', text: `row policy ${change.name}`, remark };
    }
    case 'retire-login':
      return { risk: 'NARROW', subject: change.role, sign: '~', text: 'no login', remark: change.because };
    case 'retire-sessions':
      return { risk: 'DESTROY', subject: change.role, sign: '−', text: 'its sessions are ended', remark: 'retired' };
    case 'retire-owned':
      return describeOwned(change);
    case 'drop-role':
      return { risk: 'DESTROY', subject: change.role, sign: '−', text: 'the role is dropped', remark: change.because };
  }
}

function tableOf(change: { readonly schema: string; readonly table: string }): string {
  return `${change.schema}.${change.table}`;
}

function policyText({ name, command, to }: PolicyText): string {
  return `row policy ${name} for ${command} to ${to === undefined ? 'PUBLIC' : to.join(', ')}`;
}

function restriction(restrictive: boolean): string {
  return restrictive ? 'restrictive' : 'permissive';
}

function describeOwned(change: RetireOwned): ChangeLine {
  const objects = `${change.owned} object${change.owned === 1 ? '' : 's'}`;
  const owned = change.owned === 0 || change.reassignTo === undefined ? '' : `${objects} to ${change.reassignTo}, `;
  const remark = change.loses.length === 0 ? '' : `goes with it: ${change.loses.join('; ')}`;
  return { risk: 'DESTROY', subject: change.role, sign: '−', text: `in ${change.database}: ${owned}its privileges revoked`, remark };
}
