import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Chronokeeper's version, from the package.json above this file: the compiled one lies a directory deeper. */
export const version: string = (() => {
	for (let directory = import.meta.dirname; ; directory = dirname(directory)) {
		const file = join(directory, 'package.json');
		if (existsSync(file)) return String((JSON.parse(readFileSync(file, 'utf8')) as { version?: string }).version);
		if (directory === dirname(directory)) return 'unknown';
	}
})();
