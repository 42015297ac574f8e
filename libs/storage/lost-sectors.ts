/** A power cut in the middle of a write can leave sectors of it unwritten: they are zeros, as the file was preallocated. */

const sectorBytes = 512;

/**
 * Whether a record with a wrong checksum lacks whole sectors: a run of zeros that begins and ends with a sector, so that it is the disk's doing. Zeros
 * in somebody's data begin and end anywhere.
 * @param offset the byte of the file that bytes[start] is.
 */
export function lacksSectors(bytes: Uint8Array, start: number, end: number, offset: number): boolean {
	const firstSector = start + ((sectorBytes - (offset % sectorBytes)) % sectorBytes);
	for (let at = firstSector; at + sectorBytes <= end; at += sectorBytes) {
		if (!isZero(bytes, at, at + sectorBytes)) continue;
		let runEnd = at + sectorBytes;
		while (runEnd < end && bytes[runEnd] === 0) runEnd++;
		const beginsWithSector = at === start || bytes[at - 1] !== 0;
		if (beginsWithSector && (runEnd - firstSector) % sectorBytes === 0) return true;
		at = firstSector + Math.floor((runEnd - firstSector) / sectorBytes) * sectorBytes - sectorBytes;
	}
	return false;
}

/**
 * Whether a checksum is wrong because the sector in which it begins was not written: it is zeros up to the next sector, and what stands there is right.
 * @param offset the byte of the file that bytes[start] is, where the checksum's 64 bits begin
 * @param expected the low half of it; the high one is 0
 */
export function lacksChecksum(bytes: Uint8Array, start: number, offset: number, expected: number): boolean {
	const left = sectorBytes - (offset % sectorBytes);
	const lost = Math.min(left, 8);
	// The zeros in front are the checksum's own; had more been lost, the length would be, too.
	if (left <= 4 || left >= 12 || !isZero(bytes, start, start + lost)) return false;
	for (let i = lost; i < 8; i++) if (bytes[start + i] !== ((expected >>> (8 * (7 - i))) & 0xff)) return false;
	return true;
}

function isZero(bytes: Uint8Array, start: number, end: number): boolean {
	for (let at = start; at < end; at++) if (bytes[at] !== 0) return false;
	return true;
}
