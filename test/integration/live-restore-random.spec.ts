/** A live restore to any zxid of a random history makes the content what the history says it was, and a second restore undoes it. LONG_SPECS=1 takes more of them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Zxid } from '#core/model/zxid';
import { LiveRestores } from '#test/support/live-restores';
import { RandomWrites, seeded } from '#test/support/random-writes';

const work = mkdtempSync(join(tmpdir(), 'ck-live-restore-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));
const isLong = process.env.LONG_SPECS === '1';

/** Ephemeral nodes stay where they are, and with them what they stand in the way of. */
function withoutLeft<T>(content: Map<string, T>, left: readonly { readonly path: string }[]): Map<string, T> {
	const paths = new Set(left.map(({ path }) => path));
	return new Map([...content].filter(([path]) => !paths.has(path)));
}

describe('a live restore of random histories', () => {
	it.each(Array.from({ length: isLong ? 40 : 2 }, (_, seed) => seed))(
		'makes the content what it was, and a second one undoes it (seed %i)',
		async (seed) => {
			const restores = await LiveRestores.open(join(work, `random-${seed}`));
			try {
				const random = seeded(1000 + seed);
				const writes = new RandomWrites(seed);
				const session = await restores.replica.openSession(30_000);
				const replies = Array.from({ length: 400 }, () =>
					restores.replica.call(writes.next(), random() < 0.3 ? session : undefined),
				);
				const zxids: Zxid[] = [];
				for (const reply of replies) zxids.push((await reply).zxid);
				for (let round = 0; round < 2; round++) {
					const before = await restores.mirrored();
					const zxid = zxids[Math.floor(random() * zxids.length)]!;
					const kept = restores.content();
					const limits = { operations: 3 + Math.floor(random() * 60), bytes: 2000 };
					const record = await restores.restore(zxid, '/', { limits });
					expect(record).toMatchObject({ state: 'done', conflictCount: 0, problem: '' });
					const then = await restores.contentAt(zxid);
					expect(withoutLeft(restores.content(), record.left)).toEqual(withoutLeft(then, record.left));
					const undone = await restores.restore(before, '/', { limits });
					expect(undone).toMatchObject({ state: 'done', conflictCount: 0 });
					expect(withoutLeft(restores.content(), undone.left)).toEqual(withoutLeft(kept, undone.left));
				}
				await restores.mirrored();
				const altered = 'select * from chronokeeper.verify_chain(0, 9223372036854775807)';
				expect(await restores.database.query(altered)).toEqual([]);
			} finally {
				await restores.close();
			}
		},
	);
});
