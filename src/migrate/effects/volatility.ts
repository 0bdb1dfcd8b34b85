import { asNode, namesOf, visitNodes } from '../sql/parser.ts';
import type { CatalogFacts } from './known-objects.ts';
import { showRelation } from './relation-name.ts';

/** What the functions in an expression tell about it. */
export interface Volatility {
  /** It certainly differs from row to row. */
  readonly isVolatile: boolean;
  /** A function of which nothing is known here, as written; undefined when all are known. */
  readonly unknown: string | undefined;
}

/**
 * Whether an expression is the same for all rows of one statement. Operators and casts count as such: PostgreSQL's own are,
 * and ones made by users are seldom volatile.
 */
export function volatilityOf(expression: unknown, catalog: CatalogFacts | undefined): Volatility {
  let isVolatile = false;
  let unknown: string | undefined;
  const judge = (fields: unknown): void => {
    const names = namesOf(asNode(fields)['funcname']);
    const name = names.at(-1);
    if (name === undefined) return;
    const schema = names.at(-2);
    const found = catalog?.volatility({ schema, name });
    if (found === 'v') isVolatile = true;
    else if (found === undefined) {
      const isBuiltIn = schema === undefined || schema === 'pg_catalog';
      if (isBuiltIn && VOLATILE.has(name)) isVolatile = true;
      else if (!isBuiltIn || !STEADY.has(name)) unknown ??= `${showRelation({ schema, name })}()`;
    }
  };
  visitNodes({ expression }, (type, fields) => {
    if (type === 'FuncCall') judge(fields);
  });
  return { isVolatile, unknown: isVolatile ? undefined : unknown };
}

/** Functions of PostgreSQL and of uuid-ossp that give another value at each call. */
const VOLATILE: ReadonlySet<string> = new Set([
  'random',
  'random_normal',
  'gen_random_uuid',
  'uuidv4',
  'uuidv7',
  'uuid_generate_v1',
  'uuid_generate_v1mc',
  'uuid_generate_v4',
  'gen_random_bytes',
  'clock_timestamp',
  'timeofday',
  'nextval',
  'currval',
  'lastval',
  'setval',
  'gen_salt',
  'set_config',
]);

/** Functions of PostgreSQL that give one value in one statement for the same arguments; the usual ones in defaults. */
const STEADY: ReadonlySet<string> = new Set([
  'now',
  'transaction_timestamp',
  'statement_timestamp',
  'timezone',
  'date_trunc',
  'date_part',
  'extract',
  'make_date',
  'make_interval',
  'make_timestamp',
  'make_timestamptz',
  'to_date',
  'to_timestamp',
  'to_char',
  'to_number',
  'to_json',
  'to_jsonb',
  'json_build_object',
  'json_build_array',
  'jsonb_build_object',
  'jsonb_build_array',
  'array_fill',
  'array_length',
  'string_to_array',
  'lower',
  'upper',
  'trim',
  'btrim',
  'ltrim',
  'rtrim',
  'concat',
  'concat_ws',
  'format',
  'left',
  'right',
  'length',
  'repeat',
  'replace',
  'md5',
  'sha256',
  'encode',
  'decode',
  'convert_to',
  'abs',
  'ceil',
  'floor',
  'round',
  'power',
  'greatest',
  'least',
  'int4range',
  'int8range',
  'numrange',
  'daterange',
  'tsrange',
  'tstzrange',
  'to_tsvector',
  'inet_client_addr',
  'current_setting',
  'current_schema',
  'current_database',
  'pg_backend_pid',
  'txid_current',
  'pg_current_xact_id',
  'hashtext',
  'quote_literal',
  'quote_ident',
  'regexp_replace',
  'split_part',
  'substring',
  'substr',
]);
