/** What a directory holds, to see that nothing was changed: names, sizes, times of change and contents. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

export function fingerprint(directory: string): Record<string, string> {
	const found: Record<string, string> = {};
	for (const name of readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort()) {
		const file = join(directory, name);
		const { mtimeMs, size } = statSync(file);
		const content = statSync(file).isFile()
			? createHash('sha256').update(readFileSync(file)).digest('hex')
			: 'directory';
		found[name] = `${size} ${mtimeMs} ${content}`;
	}
	return found;
}
