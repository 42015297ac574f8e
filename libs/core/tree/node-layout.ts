/**
 * What the 32 words of a node record hold. The first 60 bytes are the stored Stat, big-endian and in the order of the tree digest
 * (encodeStat in digest.ts), so that a node's digest is one CRC over the record itself. All other words are native integers.
 */
export const statAt = 0;
export const mzxidAt = 8;
export const pzxidAt = 16;
export const mtimeAt = 32;
export const versionAt = 40;
export const cversionAt = 44;
export const aversionAt = 48;
export const ephemeralOwnerAt = 52;

/** Words: links between records are record numbers, 0 for none. */
export const contentCrcField = 15;
export const digestField = 16;
export const parentField = 17;
export const firstChildField = 18;
export const nextSiblingField = 19;
/** Of the first child: the last child. */
export const previousSiblingField = 20;
export const childCountField = 21;
export const aclField = 22;
export const dataField = 23;
export const dataLengthField = 24;
/** The name's length in UTF-16 code units, and flags. */
export const nameInfoField = 25;
/** The list of nodes with the same owner: a session's ephemerals, the containers, the TTL nodes. */
export const nextOwnedField = 26;
/** Of the first in the list: the last. */
export const previousOwnedField = 27;
/** Names of up to 16 bytes lie in the record itself; of a longer one its blob's reference is here. */
export const nameField = 28;

export const inlineNameBytes = 16;
export const nameLengthMask = 0x0fff_ffff;
/** The name has code units above 255 and is kept as UTF-16, little-endian; otherwise one byte a unit. */
export const wideNameFlag = 1 << 31;
/** Below /zookeeper/: not in the tree digest. */
export const outsideDigestFlag = 1 << 30;
