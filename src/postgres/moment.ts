/**
 * The moment that `to_json(timestamptz)` gave, to the millisecond; undefined for null.
 *
 * As JSON a moment is written in ISO 8601 whatever `DateStyle` is set to for the server, the database or the role. As text it may be
 * `05/11/2026 01:02:03 CET`, of which clients make another day, or nothing, and a session that runs other people's SQL has to leave the
 * setting as it is.
 *
 * @see https://www.postgresql.org/docs/current/functions-json.html
 */
export function parseMoment(json: string | null | undefined): Date | undefined {
  return json === null || json === undefined ? undefined : new Date(json);
}
