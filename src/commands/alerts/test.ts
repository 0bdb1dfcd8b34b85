import { randomBytes } from 'node:crypto';
import { testMessage } from '../../alerts/message.ts';
import { send } from '../../alerts/run.ts';
import { DbadminError } from '../../base/errors.ts';
import { IN_PART } from '../../base/exit-status.ts';
import type { CommandContext, CommandInput } from '../command.ts';
import { loadPolicies } from '../schedule/load-policies.ts';
import { loadReceivers, projectName } from './load-receivers.ts';

/** `dbadmin alerts test`: whether what would be told arrives. */
export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output, clock, signal } = context;
  const { config, policies } = await loadPolicies(context, input);
  const channels = new Map(loadReceivers(policies, config, context.env).map(({ name, channel }) => [name, channel]));
  if (channels.size === 0) {
    throw new DbadminError('config-missing', `${policies.file} has nobody to tell`, {
      hint: 'Add notify to a policy: notify: [{ webhook: "${OPS_WEBHOOK}", secret: "${OPS_WEBHOOK_SECRET}" }, { email: dba@example.org }]',
    });
  }
  const message = testMessage(projectName(config), `test-${randomBytes(8).toString('hex')}`, clock.now());
  const results = await Promise.all(
    [...channels].map(async ([name, channel]) => {
      const delivery = await send(channel, message, clock.now(), signal);
      return { name, delivered: delivery.kind === 'delivered', failure: delivery.kind === 'delivered' ? null : delivery.why };
    }),
  );
  for (const { name, failure } of results) {
    output.line(failure === null ? `${output.style('good', 'told')}    ${name}` : `${output.style('bad', 'failed')}  ${name}: ${failure}`);
  }
  output.result({ receivers: results });
  return results.every(({ delivered }) => delivered) ? 0 : IN_PART;
}
