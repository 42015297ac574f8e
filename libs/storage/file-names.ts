/** How logs and snapshots are named: the zxid in hexadecimal behind the prefix. */
import { type Zxid, zxidFromBigInt } from '#core/model/zxid';

export const logPrefix = 'log';
export const snapshotPrefix = 'snapshot';
/** Without a dot, so that no ZooKeeper takes it for a snapshot. */
export const unfinishedSnapshotPrefix = 'unfinished-snapshot-';
/** A whole snapshot that takes the place of everything: while it has this name no other snapshot and no log counts (received-snapshot.ts). */
export const receivedSnapshotPrefix = 'received-snapshot-';

export function logFileName(firstZxid: Zxid): string {
	return `${logPrefix}.${firstZxid.toString(16)}`;
}

export function snapshotFileName(zxid: Zxid): string {
	return `${snapshotPrefix}.${zxid.toString(16)}`;
}

export function receivedSnapshotFileName(zxid: Zxid): string {
	return `${receivedSnapshotPrefix}${zxid.toString(16)}`;
}

/** Undefined for any other file. */
export function zxidOfReceivedSnapshot(name: string): Zxid | undefined {
	if (!name.startsWith(receivedSnapshotPrefix)) return undefined;
	return zxidInName(`${snapshotPrefix}.${name.slice(receivedSnapshotPrefix.length)}`, snapshotPrefix);
}

/**
 * The zxid in a file's name; undefined for any other file, and for numbers that ZooKeeper does not take for a zxid either.
 * @throws RangeError when it is one that this build cannot hold exactly: such a file must not be overlooked.
 */
export function zxidInName(name: string, prefix: string): Zxid | undefined {
	if (!name.startsWith(`${prefix}.`)) return undefined;
	const hex = name.slice(prefix.length + 1);
	if (!/^[0-9a-f]{1,16}$/i.test(hex)) return undefined;
	const value = BigInt(`0x${hex}`);
	return value > largestZxid ? undefined : zxidFromBigInt(value);
}

/** A Java long. */
const largestZxid = 0x7fff_ffff_ffff_ffffn;
