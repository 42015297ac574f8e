/** Vectors of strings and of identities. */
import type { JuteReader, JuteWriter } from '../codec.ts';
import type { Id } from '../records.ts';
import { readId, writeId } from '../records.ts';

/** A null vector is read as an empty one. */
export function readStrings(reader: JuteReader): readonly string[] {
	const count = reader.readCount(4);
	const strings: string[] = [];
	for (let i = 0; i < count; i++) strings.push(reader.readRequiredString());
	return strings;
}

export function writeStrings(writer: JuteWriter, strings: readonly string[]): void {
	writer.writeInt(strings.length);
	for (const text of strings) writer.writeString(text);
}

export function readIds(reader: JuteReader): readonly Id[] {
	const count = reader.readCount(8);
	const ids: Id[] = [];
	for (let i = 0; i < count; i++) ids.push(readId(reader));
	return ids;
}

export function writeIds(writer: JuteWriter, ids: readonly Id[]): void {
	writer.writeInt(ids.length);
	for (const id of ids) writeId(writer, id);
}
