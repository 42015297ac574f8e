/** ACL lists: decoded for nearly every create, and nearly always the same one. */
import { JuteError, type JuteReader, type JuteWriter } from './codec.ts';

/** `org.apache.zookeeper.data.Id`. */
export interface Id {
	readonly scheme: string;
	readonly id: string;
}

/** `org.apache.zookeeper.data.ACL`: perms is a bit set, read 1, write 2, create 4, delete 8, admin 16. */
export interface Acl extends Id {
	readonly perms: number;
}

/** world:anyone with all permissions, ZooKeeper's OPEN_ACL_UNSAFE. Decoding gives this very object, so it can be told by identity. */
export const openAcl: readonly Acl[] = Object.freeze([Object.freeze({ perms: 31, scheme: 'world', id: 'anyone' })]);

// count 1, perms 31, 'world', 'anyone': how that list is encoded.
const openAclBytes = Uint8Array.of(
	...[0, 0, 0, 1, 0, 0, 0, 31],
	...[0, 0, 0, 5, 0x77, 0x6f, 0x72, 0x6c, 0x64],
	...[0, 0, 0, 6, 0x61, 0x6e, 0x79, 0x6f, 0x6e, 0x65],
);

/**
 * A null vector is read as an empty list, which means the same everywhere (semantics 34, 35), and so is a null scheme: no scheme
 * has an empty name, which makes the ACL invalid.
 */
export function readAcl(reader: JuteReader): readonly Acl[] {
	if (startsWithOpenAcl(reader)) {
		reader.position += openAclBytes.length;
		return openAcl;
	}
	const count = reader.readCount(12);
	const acl: Acl[] = [];
	for (let i = 0; i < count; i++) {
		const perms = reader.readInt();
		const scheme = reader.readString() ?? '';
		acl.push({ perms, scheme, id: readIdText(reader, scheme) });
	}
	return acl;
}

export function writeAcl(writer: JuteWriter, acl: readonly Acl[]): void {
	if (acl === openAcl) {
		writer.writeRaw(openAclBytes);
		return;
	}
	writer.writeInt(acl.length);
	for (const entry of acl) {
		writer.writeInt(entry.perms);
		writeId(writer, entry);
	}
}

export function readId(reader: JuteReader): Id {
	const scheme = reader.readRequiredString();
	return { scheme, id: readIdText(reader, scheme) };
}

export function writeId(writer: JuteWriter, id: Id): void {
	writer.writeString(id.scheme);
	writer.writeString(id.id);
}

/**
 * Kazoo sends an empty id as null. For `auth` that is fine, nobody looks at it, and nobody does where there is no such scheme
 * (InvalidACL); the schemes that take an id apart trip over it in ZooKeeper (MarshallingError).
 */
function readIdText(reader: JuteReader, scheme: string): string {
	const id = reader.readString();
	if (id !== null) return id;
	if (scheme === 'world' || scheme === 'digest' || scheme === 'ip') {
		throw new JuteError('the id of an ACL entry is null', reader.position - 4);
	}
	return '';
}

function startsWithOpenAcl(reader: JuteReader): boolean {
	const length = openAclBytes.length;
	if (reader.end - reader.position < length) return false;
	const { bytes, position } = reader;
	for (let i = 0; i < length; i++) if (bytes[position + i] !== openAclBytes[i]) return false;
	return true;
}
