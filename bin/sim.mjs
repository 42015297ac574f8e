/**
 * `npm run sim`: whole ensembles in one thread, over a simulated network, disk and clock. `npm run sim -- --seed 123` runs that one alone and tells
 * what its members do; `--seeds 10000` runs so many. A seed that fails is printed and fails again the same way.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { explained, node24, PrepareError, prepare, root } from './prepare.mjs';

function main() {
	const environment = { ...process.env };
	const rest = process.argv.slice(2);
	while (rest.length > 0) {
		const [option, value] = rest.splice(0, 2);
		if (!['--seed', '--seeds'].includes(option) || !/^[0-9]+$/.test(value ?? '')) {
			throw new PrepareError('Usage: npm run sim -- [--seed NUMBER | --seeds HOW_MANY]', 2);
		}
		if (option === '--seeds') environment.SEEDS = value;
		else Object.assign(environment, { SEED: value, TRACE: '1' });
	}
	prepare();
	const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
	const { status } = spawnSync(node24, [vitest, 'run', 'test/sim/ensemble.spec.ts'], {
		cwd: root,
		env: environment,
		stdio: 'inherit',
	});
	process.exitCode = status ?? 1;
}

await explained(main);
