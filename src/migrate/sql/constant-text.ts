import { quoteLiteral, quoteName } from '../../postgres/quote.ts';
import { asNode, asNodes, asText, namesOf, nodeType, type AstNode } from './parser.ts';

/**
 * The text that an expression always gives, or undefined when that depends on more than the expression: literals, `||`,
 * `format`, `concat`, `quote_ident` and `quote_literal` of such, casts to text.
 */
export function constantText(expression: AstNode): string | undefined {
  const { type, fields } = nodeType(expression);
  switch (type) {
    case 'A_Const':
      return constantOf(fields);
    case 'TypeCast':
      return TEXT_TYPES.has(namesOf(asNode(fields['typeName'])['names']).at(-1) ?? '') ? constantText(asNode(fields['arg'])) : undefined;
    case 'CollateClause':
      return constantText(asNode(fields['arg']));
    case 'A_Expr': {
      if (fields['kind'] !== 'AEXPR_OP' || namesOf(fields['name']).at(-1) !== '||') return undefined;
      const [left, right] = [constantText(asNode(fields['lexpr'])), constantText(asNode(fields['rexpr']))];
      return left === undefined || right === undefined ? undefined : left + right;
    }
    case 'FuncCall':
      return callOf(fields);
    default:
      return undefined;
  }
}

const TEXT_TYPES: ReadonlySet<string> = new Set(['text', 'varchar', 'name', 'regclass']);

function constantOf(fields: AstNode): string | undefined {
  const text = asText(asNode(fields['sval'])['sval']) ?? asText(asNode(fields['fval'])['fval']);
  if (text !== undefined) return text;
  // The parser leaves out what is empty or zero.
  if (fields['sval'] !== undefined) return '';
  if (fields['ival'] === undefined) return undefined;
  const number = asNode(fields['ival'])['ival'];
  return typeof number === 'number' ? String(number) : '0';
}

function callOf(fields: AstNode): string | undefined {
  const args: string[] = [];
  for (const each of asNodes(fields['args'])) {
    const text = constantText(each);
    if (text === undefined) return undefined;
    args.push(text);
  }
  const [first = '', ...rest] = args;
  switch (namesOf(fields['funcname']).at(-1) ?? '') {
    case 'format':
      return format(first, rest);
    case 'concat':
      return args.join('');
    case 'quote_ident':
      return quoteName(first);
    case 'quote_literal':
      return quoteLiteral(first);
    default:
      return undefined;
  }
}

/** @see https://www.postgresql.org/docs/current/functions-string.html#FUNCTIONS-STRING-FORMAT */
function format(template: string, args: readonly string[]): string | undefined {
  let next = 0;
  let complete = true;
  const text = template.replaceAll(/%(?:%|(?:(\d+)\$)?(-?\d*)([sIL]))/g, (whole, position: string | undefined, _width, kind: string) => {
    if (whole === '%%') return '%';
    const index = position === undefined ? next : Number(position) - 1;
    next = index + 1;
    const value = args[index];
    if (value === undefined) complete = false;
    return kind === 'I' ? quoteName(value ?? '') : kind === 'L' ? quoteLiteral(value ?? '') : (value ?? '');
  });
  return complete ? text : undefined;
}
