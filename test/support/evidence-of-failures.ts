/** For specs that start programs: a test that fails fails with the last words of those that ran in it, as a second error. */
import { afterEach } from 'vitest';
import { evidenceSince } from './evidence.ts';

afterEach(({ task }) => {
	if (task.result?.state !== 'fail') return;
	const evidence = evidenceSince(task.result.startTime ?? 0);
	if (evidence !== '') throw new Error(`what its programs said\n${evidence}`);
});
