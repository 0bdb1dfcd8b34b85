import type { PolicyDocument } from '../../src/repository/iam-policy.ts';
import { startFaultyProxy } from './faulty-proxy.ts';
import { hiddenHeaders, judge, needsOf } from './policy.ts';

export interface PolicyProxy {
  readonly endpoint: string;
  /** Every request, as `METHOD path`. */
  readonly seen: readonly string[];
  /** `action resource` of what was denied, in order. */
  readonly denied: readonly string[];
  /** `Sid action` of every statement that allowed something. */
  readonly used: ReadonlySet<string>;
  stop(): Promise<void>;
}

/** The way to a server for somebody who has `policy` and nothing else: what it does not allow is answered with 403, or not shown. */
export async function startPolicyProxy(target: string, policy: PolicyDocument): Promise<PolicyProxy> {
  const denied: string[] = [];
  const used = new Set<string>();
  const proxy = await startFaultyProxy(target, { oneAtATime: true });
  proxy.plan(({ method, path, headers }) => {
    const needs = needsOf(method, path, headers);
    for (const need of needs) {
      const { isAllowed, statement } = judge(policy, need);
      if (!isAllowed) {
        denied.push(`${need.action} ${need.resource}`);
        return { kind: 'answer', status: 403, code: 'AccessDenied' };
      }
      used.add(`${statement?.Sid} ${need.action}`);
    }
    const names = hiddenHeaders(policy, method, path);
    return names.length === 0 ? undefined : { kind: 'hide-headers', names };
  });
  return { endpoint: proxy.endpoint, seen: proxy.seen, denied, used, stop: async () => await proxy.stop() };
}
