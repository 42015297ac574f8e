/** The results of a multi, in the order of its operations, framed like them. */
import { JuteError, type JuteReader, type JuteWriter } from '../codec.ts';
import { opCode, opName } from '../op-codes.ts';
import { readStat, type Stat, writeStat } from '../records.ts';
import { readMultiHeader, writeMultiEnd, writeMultiHeader } from './multi-header.ts';
import { readStrings, writeStrings } from './vectors.ts';

export type MultiResult =
	| { readonly kind: 'create'; readonly path: string }
	/** Also of createContainer and createTTL. */
	| { readonly kind: 'create2'; readonly path: string; readonly stat: Stat }
	| { readonly kind: 'delete' | 'check' }
	| { readonly kind: 'setData'; readonly stat: Stat }
	| { readonly kind: 'getData'; readonly data: Uint8Array | null; readonly stat: Stat }
	| { readonly kind: 'getChildren'; readonly names: readonly string[] }
	/** In a failed multi every result is one: 0 before the failing operation, -2 behind it (semantics 42). */
	| { readonly kind: 'error'; readonly code: number };

export interface MultiResponse {
	readonly kind: 'multi' | 'multiRead';
	readonly results: readonly MultiResult[];
}

export function readMultiResponse(reader: JuteReader, kind: MultiResponse['kind']): MultiResponse {
	const results: MultiResult[] = [];
	for (;;) {
		const at = reader.position;
		const header = readMultiHeader(reader);
		if (header.done) return { kind, results };
		results.push(readResult(reader, header.type, at));
	}
}

export function writeMultiResponse(writer: JuteWriter, response: MultiResponse): void {
	for (const result of response.results) {
		writeMultiHeader(writer, opCode[result.kind], result.kind === 'error' ? result.code : 0);
		writeResult(writer, result);
	}
	writeMultiEnd(writer);
}

function readResult(reader: JuteReader, type: number, at: number): MultiResult {
	switch (type) {
		case opCode.create:
			return { kind: 'create', path: reader.readRequiredString() };
		case opCode.create2:
			return { kind: 'create2', path: reader.readRequiredString(), stat: readStat(reader) };
		case opCode.delete:
			return { kind: 'delete' };
		case opCode.check:
			return { kind: 'check' };
		case opCode.setData:
			return { kind: 'setData', stat: readStat(reader) };
		case opCode.getData:
			return { kind: 'getData', data: reader.readBuffer(), stat: readStat(reader) };
		case opCode.getChildren:
			return { kind: 'getChildren', names: readStrings(reader) };
		case opCode.error:
			return { kind: 'error', code: reader.readInt() };
		default:
			throw new JuteError(`a multi cannot have result ${type} (${opName(type) ?? 'unknown'})`, at);
	}
}

function writeResult(writer: JuteWriter, result: MultiResult): void {
	switch (result.kind) {
		case 'create':
			writer.writeString(result.path);
			return;
		case 'create2':
			writer.writeString(result.path);
			writeStat(writer, result.stat);
			return;
		case 'setData':
			writeStat(writer, result.stat);
			return;
		case 'getData':
			writer.writeBuffer(result.data);
			writeStat(writer, result.stat);
			return;
		case 'getChildren':
			writeStrings(writer, result.names);
			return;
		case 'error':
			writer.writeInt(result.code);
			return;
		case 'delete':
		case 'check':
			return;
		default:
			result satisfies never;
	}
}
