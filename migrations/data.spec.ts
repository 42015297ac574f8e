/** data_text() and data_json() on bytes of every kind: null where JavaScript refuses them too, and never an error. */
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createDatabase, type TestDatabase } from '#test/support/postgres';

let database: TestDatabase;
beforeAll(async () => {
	database = await createDatabase();
});
afterAll(() => database?.drop());

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function textOf(bytes: Uint8Array): string | null {
	try {
		const text = decoder.decode(bytes);
		return text.includes('\0') ? null : text;
	} catch {
		return null;
	}
}

function jsonOf(text: string | null): unknown {
	try {
		return text === null ? undefined : (JSON.parse(text) as unknown);
	} catch {
		return undefined;
	}
}

let seed = 20_261_120;
function random(n: number): number {
	seed = (seed * 48_271) % 2_147_483_647;
	return seed % n;
}

/** Mostly what is nearly right. */
const pieces = [
	...['a', 'é', '日本', '😀', '\u0080', '\uffff', '\u{10ffff}', '\n', ' '],
	...[
		[0],
		[0x80],
		[0xc0, 0x80],
		[0xc3],
		[0xe0, 0x80, 0x80],
		[0xed, 0xa0, 0x80],
		[0xf0, 0x80, 0x80, 0x80],
		[0xf4, 0x90, 0x80, 0x80],
		[0xff],
	],
];
const tokens = [
	...['{', '}', '[', ']', ',', ':', '"a"', '"\\u00e9"', '"\\n"', 'true', 'null', '-1.5e3', '0', ' ', '\n'],
	...['01', '1.', '.5', 'tru', "'a'", '"\\x"', '"\t"', '"', '"\\ud83d\\ude00"', '\u0001'],
];

function someBytes(): Buffer {
	const parts = Array.from({ length: random(6) }, () => pieces[random(pieces.length)]!);
	return Buffer.concat(parts.map((it) => (typeof it === 'string' ? Buffer.from(it) : Buffer.from(it))));
}

/** A value, now and then with something wrong in it. */
function someJson(depth = 0): string {
	if (random(40) === 0) return tokens[random(tokens.length)]!;
	switch (depth > 4 ? random(3) : random(5)) {
		case 0:
			return ['"a"', '""', '"\\u00e9\\\\"', '"😀"', '"\\ud83d\\ude00"', '"a:b,[{"'][random(6)]!;
		case 1:
			return ['0', '-0', '12.50', '-1e-3', '1E+9'][random(5)]!;
		case 2:
			return ['true', 'false', 'null'][random(3)]!;
		case 3:
			return `[${Array.from({ length: random(4) }, () => someJson(depth + 1)).join(random(2) === 0 ? ',' : ' ,\n')}]`;
		default:
			return `{${Array.from({ length: random(4) }, (_, i) => `"k${i}": ${someJson(depth + 1)}`).join(', ')}}`;
	}
}

interface Read {
	text: string | null;
	json: unknown;
	isJson: boolean | null;
	byGrammar: boolean | null;
}

const read = (all: readonly Buffer[]) =>
	database.query<Read>(
		`select chronokeeper.data_text(d) as text, chronokeeper.data_json(d) as json, chronokeeper.data_json(d) is not null as "isJson",
			case when chronokeeper.json_depth(chronokeeper.data_text(d)) <= 1000 then chronokeeper.is_json_by_grammar(chronokeeper.data_text(d)) end as "byGrammar" from unnest($1::bytea[]) with ordinality x (d, n) order by n`,
		[all],
	);

it('text is what a strict decoder makes of it', async () => {
	const all = Array.from({ length: 3000 }, someBytes);
	for (const [at, { text }] of (await read(all)).entries())
		expect(text, all[at]!.toString('hex')).toBe(textOf(all[at]!));
});

it('JSON is what a strict parser makes of it, by PostgreSQL’s own judgement and by the grammar alike', async () => {
	const all = Array.from({ length: 2000 }, () =>
		Buffer.from(
			random(4) === 0 ? Array.from({ length: random(7) }, () => tokens[random(tokens.length)]).join('') : someJson(),
		),
	);
	let valid = 0;
	for (const [at, { json, isJson, byGrammar }] of (await read(all)).entries()) {
		const expected = jsonOf(textOf(all[at]!));
		const what = JSON.stringify(all[at]!.toString());
		expect(isJson, what).toBe(expected !== undefined);
		expect(byGrammar, what).toBe(expected !== undefined);
		if (expected === undefined) continue;
		valid++;
		expect(JSON.stringify(json), what).toBe(JSON.stringify(sorted(expected)));
	}
	expect(valid).toBeGreaterThan(500);
	expect(valid).toBeLessThan(1900);
});

/** jsonb has its keys by length, then by bytes; those here are in order already. -0 is 0. */
function sorted(value: unknown): unknown {
	if (Array.isArray(value)) return value.map(sorted);
	if (value !== null && typeof value === 'object') {
		return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, sorted(each)]));
	}
	return Object.is(value, -0) ? 0 : value;
}

it('what PostgreSQL cannot hold is null: too deep, U+0000, half a pair, a number beyond all bounds', async () => {
	const deep = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`;
	const flat = `[${Array.from({ length: 2000 }, () => '[]').join(',')}]`;
	const cases: [string, boolean][] = [
		[deep(1000), true],
		[deep(1001), false],
		[deep(300_000), false],
		['['.repeat(300_000), false],
		[flat, true],
		[`"${'['.repeat(5000)}"`, true],
		['"\\u0000"', false],
		['"\\ud83d"', false],
		['"\\\\u0000"', true],
		['1e999999', false],
	];
	const rows = await read(cases.map(([text]) => Buffer.from(text)));
	expect(rows.map(({ isJson }) => isJson)).toEqual(cases.map(([, expected]) => expected));
});

it('both make an index, and work in a parallel query', async () => {
	await database.query(`insert into chronokeeper.change (zxid, ordinal, type, path, data)
		select n, 0, 'setData', '/' || n % 10, convert_to('{"replicas": ' || n % 100 || '}', 'UTF8') || case when n % 3 = 0 then '\\xff'::bytea else '' end
		from generate_series(1, 20000) n`);
	await database.query(
		`create index change_replicas on chronokeeper.change ((chronokeeper.data_json(data) ->> 'replicas'))`,
	);
	await database.query('analyze chronokeeper.change');
	const sql = `select count(*)::int as n from chronokeeper.change where chronokeeper.data_json(data) ->> 'replicas' = '7'`;
	expect(JSON.stringify(await database.query(`explain (format json) ${sql}`))).toContain('Index Name');
	const [parallel] = await database.query<{ n: number }>(sql);
	expect(parallel!.n).toBe(134);
	await database.query('drop index chronokeeper.change_replicas');
	const client = new pg.Client({ connectionString: database.url });
	await client.connect();
	try {
		// Called force_parallel_mode before PostgreSQL 16.
		await client.query(
			`select set_config(name, 'on', false) from pg_settings where name in ('debug_parallel_query', 'force_parallel_mode')`,
		);
		const count = 'select count(chronokeeper.data_json(data))::int as n from chronokeeper.change';
		expect(JSON.stringify((await client.query(`explain (format json) ${count}`)).rows)).toContain('Gather');
		expect((await client.query(count)).rows).toEqual([{ n: 13_334 }]);
	} finally {
		await client.end();
	}
});
