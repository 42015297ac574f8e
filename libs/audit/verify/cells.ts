/** A value as text, for exports, and back into the bytes that PostgreSQL sends: what is verified in an export are the same bytes as in the database. */
import type { ColumnType } from './tables.ts';

const postgresEpochMicros = 946_684_800_000_000n;
const infinity = 0x7fff_ffff_ffff_ffffn;

/** JSON has no 64-bit numbers that everybody reads: those are text. */
export type Cell = string | number | boolean | null;

export function cellOf(value: Buffer | null, type: ColumnType): Cell {
	if (value === null) return null;
	switch (type) {
		case 'int2':
			return value.readInt16BE(0);
		case 'int4':
			return value.readInt32BE(0);
		case 'int8':
			return value.readBigInt64BE(0).toString();
		case 'bool':
			return value[0] === 1;
		case 'bytea':
			return value.toString('base64');
		case 'timestamptz':
			return timeText(value.readBigInt64BE(0));
		case 'jsonb':
			return value.toString('utf8', 1);
		default:
			return value.toString('utf8');
	}
}

/** @throws Error of what is no value of the type */
export function bytesOf(cell: Cell, type: ColumnType): Buffer | null {
	if (cell === null) return null;
	const text = String(cell);
	switch (type) {
		case 'int2':
		case 'int4': {
			if (!/^-?\d+$/.test(text)) throw new Error(`"${text}" is no integer`);
			const bytes = Buffer.alloc(type === 'int2' ? 2 : 4);
			if (type === 'int2') bytes.writeInt16BE(Number(text));
			else bytes.writeInt32BE(Number(text));
			return bytes;
		}
		case 'int8': {
			const bytes = Buffer.alloc(8);
			bytes.writeBigInt64BE(BigInt(text));
			return bytes;
		}
		case 'bool':
			if (text !== 'true' && text !== 'false') throw new Error(`"${text}" is neither true nor false`);
			return Buffer.from([text === 'true' ? 1 : 0]);
		case 'bytea':
			return Buffer.from(text, 'base64');
		case 'timestamptz': {
			const bytes = Buffer.alloc(8);
			bytes.writeBigInt64BE(microsOf(text));
			return bytes;
		}
		case 'jsonb':
			return Buffer.concat([Buffer.from([1]), Buffer.from(text)]);
		default:
			return Buffer.from(text);
	}
}

/** ISO 8601 in UTC, to the microsecond. */
function timeText(micros: bigint): string {
	if (micros === infinity) return 'infinity';
	if (micros === -infinity - 1n) return '-infinity';
	const all = micros + postgresEpochMicros;
	const rest = ((all % 1000n) + 1000n) % 1000n;
	const iso = new Date(Number((all - rest) / 1000n)).toISOString();
	return `${iso.slice(0, -1)}${rest.toString().padStart(3, '0')}Z`;
}

function microsOf(text: string): bigint {
	if (text === 'infinity') return infinity;
	if (text === '-infinity') return -infinity - 1n;
	const match = /^(.*\.\d{3})(\d{3})Z$/.exec(text);
	const ms = match === null ? Number.NaN : Date.parse(`${match[1]}Z`);
	if (Number.isNaN(ms)) throw new Error(`"${text}" is no time like 2026-11-22T02:30:00.000000Z`);
	return BigInt(ms) * 1000n + BigInt(match![2]!) - postgresEpochMicros;
}
