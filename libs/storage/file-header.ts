/** The 16 bytes that logs and snapshots begin with: magic (4), version (4), dbid (8). */

export const fileHeaderBytes = 16;

export interface FileKind {
	readonly name: string;
	readonly magic: number;
	readonly version: number;
	readonly dbid: bigint;
}

/** "ZKLG" */
export const logKind: FileKind = { name: 'transaction log', magic: 0x5a4b4c47, version: 2, dbid: 0n };
/** "ZKSN" */
export const snapshotKind: FileKind = { name: 'snapshot', magic: 0x5a4b534e, version: 2, dbid: -1n };

export function fileHeader(kind: FileKind): Uint8Array {
	const bytes = new Uint8Array(fileHeaderBytes);
	const view = new DataView(bytes.buffer);
	view.setInt32(0, kind.magic);
	view.setInt32(4, kind.version);
	view.setBigInt64(8, kind.dbid);
	return bytes;
}

/** What is wrong with the header, or null. Like ZooKeeper, version and dbid are read and not held against the file. */
export function headerProblem(bytes: Uint8Array, kind: FileKind): string | null {
	if (bytes.length < fileHeaderBytes)
		return `the file has ${bytes.length} bytes: less than the header of a ${kind.name}`;
	const magic = new DataView(bytes.buffer, bytes.byteOffset).getInt32(0);
	if (magic === kind.magic) return null;
	return `invalid magic number 0x${(magic >>> 0).toString(16)}: a ${kind.name} begins with 0x${kind.magic.toString(16)}`;
}
