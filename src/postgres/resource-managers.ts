/** The resource managers whose records are read. @see src/include/access/rmgrlist.h of PostgreSQL: the numbers never change */
export const RESOURCE_MANAGER = { xlog: 0, xact: 1, database: 4, tablespace: 5, relationMap: 7, heap2: 9, heap: 10 } as const;
