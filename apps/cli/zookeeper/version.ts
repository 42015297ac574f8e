/** The version that `version` prints: ZooKeeper's whose commands these are, with our own where ZooKeeper has its revision. */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../package-root.ts';

export function cliVersion(): string {
	const { version } = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as { version: string };
	const built = statSync(import.meta.filename)
		.mtime.toISOString()
		.slice(0, 16)
		.replace('T', ' ');
	return `3.8.0-chronokeeper-${version}, built on ${built} UTC`;
}
