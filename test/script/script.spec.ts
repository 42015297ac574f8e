/**
 * Runs every script of this folder. `REWRITE=1 npx vitest run test/script` writes what the replica says into the files: commit only a
 * difference you can explain.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ReplicaScript } from './replica-script.ts';
import { formatScript, parseScript } from './script-file.ts';

const folder = import.meta.dirname;
const rewrite = process.env.REWRITE === '1';

const areas = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());

describe.each(areas.map((area) => area.name))('%s', (area) => {
	const files = readdirSync(join(folder, area)).filter((name) => name.endsWith('.txt'));
	it.each(files)('%s', (file) => {
		const path = join(folder, area, file);
		const text = readFileSync(path, 'utf8');
		const blocks = parseScript(text);
		const script = new ReplicaScript();
		const outputs = blocks.map((block) => {
			try {
				return block.input.length === 0 ? [] : script.run(block.input);
			} catch (error) {
				throw new Error(`${area}/${file}:${block.line}: ${error instanceof Error ? error.message : error}`, {
					cause: error,
				});
			}
		});
		const actual = formatScript(blocks, outputs);
		if (rewrite) writeFileSync(path, actual);
		else expect(actual).toBe(text);
	});
});
