import { type Kysely, sql } from 'kysely';
import type { HistoryDatabase } from '../schema.ts';

/** What is not known of the history between two zxids. */
export function gapsQuery(db: Kysely<HistoryDatabase>, from: number, to: number) {
	return db
		.selectFrom('chronokeeper.gap as g')
		.select(['g.after_zxid', 'g.through_zxid', 'g.kind', 'g.reason'])
		.where('g.through_zxid', '>=', sql<string>`${from}::bigint`)
		.where('g.after_zxid', '<', sql<string>`${to}::bigint`)
		.orderBy('g.after_zxid')
		.orderBy('g.through_zxid');
}

/** How far the history goes. */
export function cursorQuery(db: Kysely<HistoryDatabase>) {
	return db.selectFrom('chronokeeper.history_cursor as m').select(['m.zxid', 'm.digest', 'm.writer', 'm.mirrored']);
}

/** The last transaction that was not prepared later than at this moment, milliseconds since 1970. */
export function zxidAtQuery(ms: number) {
	return sql<{ zxid: string }>`select chronokeeper.zxid_at(to_timestamp(${ms}::double precision / 1000)) as zxid`;
}
