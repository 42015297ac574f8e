/** Indexes that came after the first release: on a history that is there already they are built while it grows. A migration makes them on empty tables. */
export interface ConcurrentIndex {
	readonly name: string;
	/** Partitioned: each partition gets its own, of the name of the partition and this. */
	readonly table: string;
	/** What stands behind the table in CREATE INDEX. */
	readonly on: string;
}

export const concurrentIndexes: readonly ConcurrentIndex[] = [
	{ name: 'change_type', table: 'change', on: '(type)' },
	{ name: 'txn_principal', table: 'txn', on: '(principal collate "C") where principal is not null' },
	{ name: 'change_by_path', table: 'change', on: '(path)' },
	{ name: 'txn_by_session', table: 'txn', on: '(session)' },
];

/** Dropped when all of those are there. */
export const retiredIndexes: readonly string[] = ['change_path', 'txn_session'];
