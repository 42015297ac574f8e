/**
 * A hash over everything in a tree: paths, data, Stats and ACLs, which ZooKeeper's digest leaves out. The sum of the nodes' SHA-256 in four
 * words of 64 bits, so that the order of the nodes does not matter.
 */
import { hash } from 'node:crypto';
import { JuteWriter } from '#jute/codec';
import { type Acl, type StoredStat, writeAcl, writeStoredStat } from '#jute/records';

export class ContentHash {
	readonly #sum = new BigUint64Array(4);
	readonly #writer = new JuteWriter(4096);
	nodes = 0;

	add(path: string, data: Uint8Array | null, acl: readonly Acl[], stat: StoredStat): void {
		const writer = this.#writer;
		writer.reset();
		writer.writeString(path);
		writer.writeBuffer(data);
		writeAcl(writer, acl);
		writeStoredStat(writer, stat);
		const node = hash('sha256', writer.view(), 'buffer');
		for (let i = 0; i < 4; i++) this.#sum[i] = this.#sum[i]! + node.readBigUInt64BE(i * 8);
		this.nodes++;
	}

	value(): string {
		return [...this.#sum].map((word) => word.toString(16).padStart(16, '0')).join('');
	}
}
