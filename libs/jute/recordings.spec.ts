import { readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { adler32 } from './adler32.ts';
import { JuteReader, JuteWriter } from './codec.ts';
import { decodeTxn, encodeTxn } from './txn-codec.ts';

const recordings = new URL('../../test/recordings/', import.meta.url);

/** The bodies of a log file's records, each checked against its Adler-32 and end mark. */
function* bodies(file: Uint8Array): Generator<Uint8Array> {
	const reader = new JuteReader(file);
	expect(reader.readInt()).toBe(0x5a4b4c47);
	expect(reader.readInt()).toBe(2);
	expect(reader.readLong()).toBe(0n);
	while (reader.remaining > 0) {
		const checksum = reader.readSafeLong();
		const length = reader.readInt();
		if (length === 0) return;
		const at = reader.position;
		reader.skip(length);
		expect(adler32(file, at, at + length)).toBe(checksum);
		expect(reader.readByte()).toBe(0x42);
		yield file.subarray(at, at + length);
	}
}

function logsOf(data: URL): string[] {
	const zxidOf = (name: string) => Number.parseInt(name.split('.')[1]!, 16);
	const names = readdirSync(data).filter((name) => name.startsWith('log.'));
	return names.sort((a, b) => zxidOf(a) - zxidOf(b));
}

it.each([
	['recording-a', 0],
	['recording-c-ensemble/server1', 5],
	['recording-c-ensemble/server2', 7],
	['recording-c-ensemble/server3', 0],
])('73: decodes %s as ZooKeeper does and re-encodes every record byte for byte', (directory, relabelledMultis) => {
	const data = new URL(`${directory}/data/`, recordings);
	const writer = new JuteWriter();
	const lines = ['zxid,type,digestVersion,digest'];
	let relabelled = 0;
	for (const name of logsOf(data)) {
		for (const body of bodies(gunzipSync(readFileSync(new URL(name, data))))) {
			const reader = new JuteReader(body);
			const { header, txn, digest } = decodeTxn(reader);
			const zxid = `0x${header.zxid.toString(16)}`;
			expect(reader.remaining).toBe(0);
			writer.reset();
			encodeTxn(writer, header, txn, digest);
			if (Buffer.compare(writer.view(), body) !== 0) expect.fail(`${name}: ${zxid} is encoded differently`);
			if (txn.kind === 'multi' && txn.ops.some((op) => op.kind === 'error' && op.raw !== undefined)) relabelled++;
			lines.push(`${zxid},${txn.kind},${digest?.version ?? ''},${digest?.value ?? ''}`);
		}
	}
	const expected = gunzipSync(readFileSync(new URL(`${directory}/expected/digests.csv.gz`, recordings))).toString();
	expect(lines).toEqual(expected.trimEnd().split('\n'));
	expect(relabelled).toBe(relabelledMultis);
});
