/** Whoever serves goes first where processors are short; in strict mode, where they wait for the mirror, nobody does. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { getPriority, tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, it, vi } from 'vitest';
import { startMirror } from '#audit/mirror';
import { makeZxid } from '#core/model/zxid';
import { generateLog, mixedWorkload } from '#test/support/generated-log';
import { createDatabase } from '#test/support/postgres';

const work = mkdtempSync(path.join(tmpdir(), 'ck-priority-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

/** Of each thread of this process. */
function priorities(): number[] {
	return readdirSync('/proc/self/task').map((thread) => {
		const stat = readFileSync(`/proc/self/task/${thread}/stat`, 'utf8');
		return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]);
	});
}

it.runIf(process.platform === 'linux').each([
	[true, 'below those who serve'],
	[false, 'among all others'],
])('with yields %s the mirror works %s', async (yields) => {
	const dataDir = path.join(work, String(yields));
	mkdirSync(dataDir);
	const log = await generateLog(dataDir, 10, mixedWorkload());
	const database = await createDatabase();
	const mirror = startMirror({ databaseUrl: database.url, dataDir, yields });
	try {
		mirror.committed(log.lastZxid);
		await mirror.mirroredThrough(makeZxid(0, 10));
		const lowest = yields ? Math.min(getPriority(0) + 15, 19) : getPriority(0);
		// It is in step a moment after it has written all there is.
		await vi.waitFor(() => expect(Math.max(...priorities())).toBe(lowest), { timeout: 60_000 });
	} finally {
		await mirror.stop();
		await database.drop();
	}
});
