/**
 * `npm run sim`: whole ensembles, each in one thread, over a simulated network, disk and clock. `npm run sim -- --seed 123` runs that one alone and tells
 * what its members do; `--seeds 10000` runs so many, on as many processors as there are or `--jobs` says. A seed that fails is printed and fails again the same way.
 */
import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { explained, node24, PrepareError, prepare, root } from './prepare.mjs';

const options = { '--seed': 'none', '--seeds': '100', '--jobs': String(availableParallelism()) };

function main() {
	const rest = process.argv.slice(2);
	while (rest.length > 0) {
		const [option, value] = rest.splice(0, 2);
		if (!(option in options) || !/^[0-9]+$/.test(value ?? '') || (option !== '--seed' && Number(value) === 0)) {
			throw new PrepareError('Usage: npm run sim -- [--seed NUMBER | --seeds HOW_MANY [--jobs HOW_MANY_AT_ONCE]]', 2);
		}
		options[option] = value;
	}
	prepare();
	const program = join(root, 'dist', 'test', 'sim', 'many-seeds.js');
	const { status } = spawnSync(node24, [program, ...Object.values(options)], { cwd: root, stdio: 'inherit' });
	process.exitCode = status ?? 1;
}

await explained(main);
