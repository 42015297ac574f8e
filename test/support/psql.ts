/** `psql URL -c SQL` for machines without PostgreSQL's own client: the commands of the documentation run with it as they are printed. */
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const modules = fileURLToPath(new URL('../../node_modules', import.meta.url));

const psql = `#!/usr/bin/env node
import pg from 'pg';
const [url, flag, sql] = process.argv.slice(2);
if (flag !== '-c') throw new Error('the stand-in knows psql URL -c SQL only');
const client = new pg.Client({ connectionString: url });
await client.connect();
const { rows } = await client.query(sql);
for (const row of rows) console.log(Object.values(row).join(' | '));
await client.end();
`;

/** Makes it below this folder. @returns the directory for the PATH */
export function psqlStandIn(folder: string): string {
	const tools = join(folder, 'tools');
	mkdirSync(tools);
	symlinkSync(modules, join(folder, 'node_modules'));
	writeFileSync(join(tools, 'package.json'), '{"type":"module"}');
	writeFileSync(join(tools, 'psql'), psql);
	chmodSync(join(tools, 'psql'), 0o755);
	return tools;
}
