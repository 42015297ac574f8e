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

function isZero(bytes: Uint8Array, start: number, end: number): boolean {
	for (let at = start; at < end; at++) if (bytes[at] !== 0) return false;
	return true;
}
