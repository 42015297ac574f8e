/**
 * What the scripts of this folder share. A check is a function; each prints one line of JSON.
 *
 *     script.mjs --list                       the titles of the checks
 *     script.mjs host:port directory          runs them all with the packages installed in that directory
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [, , address, directory] = process.argv;
const patienceMs = 10_000;
const limitMs = 3 * patienceMs;
const checks = [];

export const server = address;

/** A package of the directory. */
export function installed(name) {
	return createRequire(join(directory, 'package.json'))(name);
}

/** The function gets a place for what is to be ended when it is over: functions, called the last one first. */
export function check(title, run) {
	checks.push({ title, run });
}

export async function main() {
	if (address === '--list') {
		console.log(JSON.stringify(checks.map(({ title }) => title)));
		return;
	}
	for (const { title, run } of checks) {
		const ends = [];
		let failure = null;
		try {
			await within(run(ends), title, limitMs);
		} catch (error) {
			failure = error instanceof Error ? (error.stack ?? error.message) : String(error);
		}
		for (const end of ends.reverse()) await end();
		console.log(JSON.stringify({ title, failure }));
	}
	// A client that reconnects for ever must not keep the process.
	process.exit(0);
}

export async function within(promise, what, ms = patienceMs) {
	let timer;
	const late = new Promise((_, reject) => {
		timer = setTimeout(() => reject(new Error(`not within ${ms} ms: ${what}`)), ms);
	});
	try {
		return await Promise.race([promise, late]);
	} finally {
		clearTimeout(timer);
	}
}

/** Resolves when the condition holds. */
export async function eventually(condition, what) {
	const deadline = Date.now() + patienceMs;
	while (!(await condition())) {
		if (Date.now() > deadline) throw new Error(`not within ${patienceMs} ms: ${what}`);
		await new Promise((resolve) => setTimeout(resolve, 10));
	}
}
