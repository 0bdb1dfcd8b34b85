/** The role whose only member, in each database, is the owner of that database. No catalog says so. */
export const DATABASE_OWNER = 'pg_database_owner';
