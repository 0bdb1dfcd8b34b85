import { Fragment } from 'preact';
import type { Hop, Way } from './documents.ts';

/** One way to a privilege, from the role to the object: who is a member of whom, and what is granted to whom by whom. */
export function Path({ role, object, way }: { readonly role: string; readonly object: string; readonly way: Way }) {
  return (
    <div class="path" role="group" aria-label={`Path of ${role} to ${object}: ${way.text}`}>
      <div class="node">
        <b>{role}</b>
        <small>asked about</small>
      </div>
      {way.path.map((hop, index) => (
        <Fragment key={index}>
          <Edge hop={hop} />
          <div class={index === way.path.length - 1 ? 'node goal' : 'node'}>
            <b>{hop.to}</b>
            <small>{index === way.path.length - 1 ? 'object' : kindOf(hop)}</small>
          </div>
        </Fragment>
      ))}
    </div>
  );
}

function kindOf({ by, to }: Hop): string {
  if (to === 'PUBLIC') return 'everybody';
  if (/^(?:view|routine) /.test(to)) return to.startsWith('view ') ? 'reads as its owner' : 'acts as its owner';
  return by === 'view' || by === 'routine' ? 'owner' : 'role';
}

function Edge({ hop }: { readonly hop: Hop }) {
  const [what, how] = words(hop);
  return (
    <div class="edge">
      <span>{what}</span>
      {how === '' ? null : <em>{how}</em>}
    </div>
  );
}

function words(hop: Hop): readonly [string, string] {
  switch (hop.by) {
    case 'inherit':
    case 'set-role': {
      const options = [
        hop.inherit === true ? 'inherit' : 'no inherit',
        ...(hop.set === true ? ['set'] : ['no set']),
        ...(hop.admin === true ? ['admin'] : []),
      ];
      return [hop.by === 'inherit' ? 'member' : 'SET ROLE', `${options.join(', ')}; by ${(hop.grantors ?? []).join(', ')}`];
    }
    case 'database-owner':
      return ['owns the database', ''];
    case 'admin':
      return ['may grant itself', 'ADMIN OPTION'];
    case 'public':
      return ['everybody', ''];
    case 'grant': {
      const column = hop.column === undefined ? '' : ` (${hop.column})`;
      return [`${hop.privilege ?? ''}${column}`, `by ${hop.grantor ?? ''}${hop.grantable === true ? ', with grant option' : ''}`];
    }
    case 'owner':
      return ['owner', ''];
    case 'superuser':
      return ['superuser', 'checks are skipped'];
    case 'predefined':
      return ['predefined role', 'on everything'];
    case 'view':
      return ['reads as', 'its owner'];
    case 'routine':
      return ['acts as', 'its owner'];
  }
}
