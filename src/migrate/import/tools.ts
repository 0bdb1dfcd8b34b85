import { DBMATE } from './dbmate.ts';
import { FLYWAY } from './flyway.ts';
import { GOLANG_MIGRATE } from './golang-migrate.ts';
import { GRAPHILE_MIGRATE } from './graphile-migrate.ts';
import { NODE_PG_MIGRATE } from './node-pg-migrate.ts';
import { SQITCH } from './sqitch.ts';
import type { SourceTool } from './source.ts';

export const TOOLS: readonly SourceTool[] = [NODE_PG_MIGRATE, FLYWAY, DBMATE, GOLANG_MIGRATE, SQITCH, GRAPHILE_MIGRATE];
