/** `ck audit pack`: packs what is full on connections of its own. */
import pg from 'pg';
import { type Packed, type PackOptions, pack, packable } from './pack.ts';

export interface PackDatabaseOptions extends PackOptions {
	/** Says what would be packed. */
	readonly dryRun?: boolean;
}

/** @returns what was packed, or would be, a table of a partition each; with the bytes of then and now. @throws PackRefused */
export async function packDatabase(
	databaseUrl: string,
	{ dryRun = false, ...options }: PackDatabaseOptions = {},
): Promise<Packed[]> {
	const connect = async () => {
		const client = new pg.Client({ connectionString: databaseUrl, application_name: 'chronokeeper pack' });
		client.on('error', () => undefined); // The statement under way reports it.
		await client.connect();
		return client;
	};
	const client = await connect();
	try {
		const packed: Packed[] = [];
		for (const what of await packable(client)) {
			if (what.isPacked) continue;
			packed.push(dryRun ? { ...what, bytesAfter: what.bytes } : await pack(client, connect, what, options));
		}
		return packed;
	} finally {
		await client.end().catch(() => undefined); // A broken connection is closed already.
	}
}

export interface PackedShare {
	/** Partitions that nothing is added to any more. */
	readonly full: number;
	readonly packed: number;
}

/** Null for a schema of before there was packing. */
export async function packedShare(databaseUrl: string): Promise<PackedShare | null> {
	const client = new pg.Client({ connectionString: databaseUrl, application_name: 'chronokeeper pack' });
	client.on('error', () => undefined); // The statement under way reports it.
	await client.connect();
	try {
		const full = await packable(client);
		const numberOf = (partition: string) => partition.slice(partition.lastIndexOf('_'));
		const all = new Set(full.map((it) => numberOf(it.partition)));
		const loose = new Set(full.filter((it) => !it.isPacked).map((it) => numberOf(it.partition)));
		return { full: all.size, packed: all.size - loose.size };
	} catch (error) {
		if (unknownThere.includes((error as { code?: unknown }).code)) return null;
		throw error;
	} finally {
		await client.end().catch(() => undefined); // A broken connection is closed already.
	}
}

/** undefined_column, undefined_function. */
const unknownThere: readonly unknown[] = ['42703', '42883'];
