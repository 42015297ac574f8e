import { join } from 'node:path';
import { expect, it } from 'vitest';
import { run } from './processes.ts';

it('leaves the exit code of a run with failed tests alone', () => {
	const script = `
		import setup, { start } from ${JSON.stringify(join(import.meta.dirname, 'postgres-global.ts'))};
		import { mkdtempSync, rmSync, chmodSync } from 'node:fs';
		import { join } from 'node:path';
		import { tmpdir } from 'node:os';
		const teardown = await setup({ provide() {} });
		const directory = mkdtempSync(join(tmpdir(), 'ck-exit-code-'));
		chmodSync(directory, 0o755);
		const { stop } = await start(join(directory, 'data'));
		await stop();
		await teardown();
		rmSync(directory, { recursive: true, force: true });
		process.exitCode = 3;`;
	const outcome = run(process.execPath, ['--conditions=source', '--input-type=module', '--eval', script], {
		env: { CK_TEST_POSTGRES_URL: '' },
	});
	expect(outcome.status, outcome.stderr).toBe(3);
});
