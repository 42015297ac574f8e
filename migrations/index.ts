/** All migrations in order: forward only, numbered. Together they equal schema.sql. */
import type { Migration } from 'kysely/migration';
import * as history from './0001-history.ts';
import * as functions from './0002-functions.ts';
import * as comments from './0003-comments.ts';
import * as answers from './0004-answers.ts';
import * as checkpoints from './0005-checkpoints.ts';
import * as partitions from './0006-partitions.ts';
import * as sessions from './0007-sessions.ts';
import * as leanIndexes from './0008-lean-indexes.ts';
import * as packedPartitions from './0009-packed-partitions.ts';
import * as quickAnswers from './0010-quick-answers.ts';

export const migrations: Readonly<Record<string, Migration>> = {
	'0001-history': history,
	'0002-functions': functions,
	'0003-comments': comments,
	'0004-answers': answers,
	'0005-checkpoints': checkpoints,
	'0006-partitions': partitions,
	'0007-sessions': sessions,
	'0008-lean-indexes': leanIndexes,
	'0009-packed-partitions': packedPartitions,
	'0010-quick-answers': quickAnswers,
};
