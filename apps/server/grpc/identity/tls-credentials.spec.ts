import { afterEach, expect, it } from 'vitest';
import { createLogger } from '#telemetry/logger';
import { ReloadedTls } from './tls-credentials.ts';
import type { TlsMaterial } from './tls-files.ts';

const material = (content: string): TlsMaterial => ({
	context: {},
	subject: `CN=${content}`,
	expiresMs: Date.now() + 365 * 86_400_000,
	content,
});

let tls: ReloadedTls | undefined;
afterEach(() => tls?.close());

/** What was said over looks that find these, one by one: a content, or an Error. */
async function saidOf(...found: readonly (string | Error)[]): Promise<string[]> {
	const said: string[] = [];
	const rest = [...found];
	const read = async (): Promise<TlsMaterial> => {
		const next = rest.shift()!;
		if (next instanceof Error) throw next;
		return material(next);
	};
	const destination = { write: (line: string) => said.push(JSON.parse(line).msg) };
	const logger = createLogger({ level: 'info', format: 'json', destination });
	tls?.close();
	tls = new ReloadedTls(material('old'), read, { clientAuth: 'none', reloadMs: 3_600_000, logger });
	for (const _ of found) await tls.look();
	return said;
}

const half = new Error('half of a key');

it('says nothing of files that are good again at the next look: they were being written', async () => {
	expect(await saidOf(half, 'old', 'old')).toEqual([]);
	expect(await saidOf(new Error('empty'), half, 'new', 'new')).toEqual([
		expect.stringMatching(/^new .* CN=new, until/),
	]);
});

it('takes what two looks in turn found, and not what only one did', async () => {
	expect(await saidOf('half a chain', 'new')).toEqual([]);
	expect(await saidOf('half a chain', 'new', 'new', 'new')).toEqual([expect.stringContaining('CN=new')]);
});

it('tells a problem that stays, once', async () => {
	expect(await saidOf(half)).toEqual([]);
	expect(await saidOf(half, half, half)).toEqual(['the gRPC certificate in use stays: half of a key']);
});
