import type { JuteReader, JuteWriter } from '../codec.ts';

/** `MultiHeader`: in front of each operation and each result, and behind the last one with `done`. */
export interface MultiHeader {
	readonly type: number;
	readonly done: boolean;
	readonly error: number;
}

export function readMultiHeader(reader: JuteReader): MultiHeader {
	return { type: reader.readInt(), done: reader.readBool(), error: reader.readInt() };
}

export function writeMultiHeader(writer: JuteWriter, type: number, error: number): void {
	writer.writeInt(type);
	writer.writeBool(false);
	writer.writeInt(error);
}

export function writeMultiEnd(writer: JuteWriter): void {
	writer.writeInt(-1);
	writer.writeBool(true);
	writer.writeInt(-1);
}
