import type { ParameterRule } from './document.ts';
import { parsePrivileges } from './parse-profiles.ts';
import { readLine } from './parse-grants.ts';
import type { Reader } from './reader.ts';
import type { Untrusted } from './untrusted.ts';

const PARAMETER_NAME = /^[a-z_][a-z0-9_$]*(\.[a-z_][a-z0-9_$]*)*$/;

/** `parameters:`, each line about one parameter or several. */
export function parseParameters(reader: Reader, value: Untrusted | undefined): readonly ParameterRule[] {
  return reader.list(value, 'parameters').flatMap((item) => {
    const fields = reader.fields(item, 'parameters', ['grant', 'on', 'to', 'with_grant_option', 'granted_by']);
    if (fields.get('grant') === undefined) reader.problem(item.at, 'parameters: grant is missing');
    const privileges = parsePrivileges(reader, fields.get('grant'), 'parameter', 'grant in parameters');
    const on = fields.get('on');
    if (on === undefined) reader.problem(item.at, 'parameters: on is missing');
    const parameters = reader.oneOrMore(on).flatMap((each) => readParameter(reader, each) ?? []);
    const line = readLine(reader, item, fields, 'parameters');
    return privileges === undefined ? [] : { ...line, privileges, parameters };
  });
}

function readParameter(reader: Reader, value: Untrusted): string | undefined {
  const text = reader.text(value, 'on in parameters');
  if (text === undefined) return undefined;
  const name = text.toLowerCase();
  return PARAMETER_NAME.test(name) ? name : reader.problem(value.at, `on in parameters: "${text}" is not the name of a parameter`);
}
