/** Runs a compiled program of this project on Node 24, in a new clone too: installs and compiles what is missing first. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { explained, prepare, root } from './prepare.mjs';
import { runOnNode24 } from './run-on-node24.mjs';

/** @param path below dist/ */
export async function runCompiled(...path) {
	const main = join(root, 'dist', ...path);
	await explained(async () => {
		prepare();
		if (Number(process.versions.node.split('.')[0]) >= 24) await import(pathToFileURL(main).href);
		else runOnNode24([main, ...process.argv.slice(2)]);
	});
}
