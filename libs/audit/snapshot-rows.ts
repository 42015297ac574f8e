/** The snapshot files that were seen, as rows. */
import type pg from 'pg';
import type { Zxid } from '#core/model/zxid';
import { inTransaction } from './batch-writer.ts';
import { noteSnapshot } from './ledger.ts';
import type { LogSource } from './log-source.ts';

/** Those up to a zxid: what lies behind is not part of the history yet. */
export async function noteSnapshots(
	client: pg.ClientBase,
	sources: readonly LogSource[],
	through: Zxid,
): Promise<void> {
	const seen = sources.flatMap((source) => source.snapshots).filter((it) => it.zxid <= through);
	if (seen.length === 0) return;
	await inTransaction(client, async () => {
		const { rows } = await client.query<{ zxid: string; source: string }>(
			`insert into chronokeeper.snapshot (zxid, source, digest_zxid, digest, bytes, base)
		select *, false from unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[])
		on conflict (zxid, source) do update set bytes = excluded.bytes where snapshot.bytes is distinct from excluded.bytes
		returning zxid, source`,
			[
				seen.map((it) => it.zxid),
				seen.map((it) => it.path),
				seen.map((it) => it.exactZxid),
				seen.map((it) => it.digest),
				seen.map((it) => it.bytes),
			],
		);
		for (const { zxid, source } of rows) await noteSnapshot(client, Number(zxid) as Zxid, source);
	});
}
