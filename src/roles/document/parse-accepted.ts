import type { AcceptedFinding } from './accepted.ts';
import type { Reader } from './reader.ts';
import type { Untrusted } from './untrusted.ts';

/** `audit:`, which holds what is accepted of the findings of `roles audit`. */
export function parseAccepted(reader: Reader, value: Untrusted | undefined): readonly AcceptedFinding[] {
  const fields = reader.fields(value, 'audit', ['accept']);
  return reader.list(fields.get('accept'), 'accept of audit').flatMap((item) => {
    const each = reader.fields(item, 'accept of audit', ['finding', 'on', 'reason', 'until']);
    const finding = reader.required(each.get('finding'), 'accept of audit: finding', item.at);
    const on = reader.required(each.get('on'), 'accept of audit: on', item.at);
    const reason = reader.required(each.get('reason'), 'accept of audit: reason', item.at);
    const until = reader.instant(each.get('until'), 'until');
    return finding === undefined || on === undefined || reason === undefined ? [] : [{ finding, on, reason, until, at: item.at }];
  });
}
