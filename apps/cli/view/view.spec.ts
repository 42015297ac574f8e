import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Terminal } from '../terminal.ts';
import { dataObject } from './json.ts';
import { Table, width } from './table.ts';
import { aclText, duration, hex, preview, printable, size, time } from './text.ts';

function shown(use: (terminal: Terminal) => void): string {
	const stdout = new PassThrough();
	const terminal = new Terminal({ stdout, stderr: new PassThrough(), environment: {} });
	use(terminal);
	terminal.flush();
	return (stdout.read() as Buffer | null)?.toString() ?? '';
}

describe('values', () => {
	it('6: zxids and session ids are hexadecimal and lossless', () => {
		expect(hex(0x5_0000_0012)).toBe('0x500000012');
		expect(hex(2n ** 64n - 1n)).toBe('0xffffffffffffffff');
	});

	it('times are ISO in UTC, and the number where there is no such date', () => {
		expect(time(1_700_000_000_123n)).toBe('2023-11-14T22:13:20.123Z');
		expect(time(Number.MAX_SAFE_INTEGER)).toBe('9007199254740991');
	});

	it('sizes and durations have a unit that fits', () => {
		expect([1, 1023, 1024, 10_240, 5 << 20, 2 ** 50].map(size)).toEqual([
			'1 B',
			'1023 B',
			'1.0 KiB',
			'10 KiB',
			'5.0 MiB',
			'1024 TiB',
		]);
		expect([12.3, 1500, 61_000, 59_999].map(duration)).toEqual(['12 ms', '1.5 s', '1 min 1 s', '60.0 s']);
	});

	it('ACLs look as zkCli takes them', () => {
		const acl = [
			{ perms: 31, scheme: 'world', id: 'anyone' },
			{ perms: 1, scheme: 'digest', id: 'ann:HASH' },
			{ perms: 0, scheme: 'ip', id: '::1' },
		];
		expect(aclText(acl)).toBe('world:anyone:cdrwa,digest:ann:HASH:r,ip:::1:-');
	});
});

describe('data', () => {
	it('are shown short: text in quotes, other bytes in hexadecimal, null as itself', () => {
		expect(preview(null)).toBe('null');
		expect(preview(new Uint8Array(0))).toBe('""');
		expect(preview(Buffer.from('a "b"\n\u001b[31m'))).toBe('"a \\"b\\"\\n\\u001b[31m"');
		expect(preview(Uint8Array.of(0xff, 0))).toBe('0xff00');
		expect(preview(Buffer.from('x'.repeat(500)), 10)).toBe('"xxxxxxxxxx…"');
		expect(preview(new Uint8Array(500).fill(0xff), 10)).toBe('0xffffffffff…');
		// A character that the cut goes through is no reason to show hexadecimal.
		expect(preview(Buffer.from(`aaa${'€'.repeat(100)}`), 10)).toBe('"aaa€€€€€€€…"');
	});

	it('never move the cursor', () => {
		fc.assert(
			fc.property(fc.string({ unit: 'binary' }), (text) => {
				expect(printable(text)).not.toMatch(/[\p{Cc}\u2028\u2029\u202e]/u);
			}),
		);
	});

	it('go to machines as base64, and as text when they are UTF-8', () => {
		expect(dataObject(null)).toEqual({ data: null });
		expect(dataObject(Buffer.from('é'))).toEqual({ data: 'w6k=', text: 'é' });
		expect(dataObject(Uint8Array.of(0xff))).toEqual({ data: '/w==' });
		// A view of a larger buffer is not the larger buffer.
		expect(dataObject(Buffer.from('abc').subarray(1, 2))).toEqual({ data: 'Yg==', text: 'b' });
	});
});

describe('tables', () => {
	const columns = [{ title: 'A' }, { title: 'NUMBER', align: 'right' }, { title: 'LAST' }] as const;

	it('align their columns and leave no space at the end of a line', () => {
		const text = shown((terminal) => {
			const table = new Table(terminal, columns);
			table.row('x', '1', 'one');
			table.row('longer', '12345678', '');
			table.flush();
		});
		expect(text).toBe('A         NUMBER  LAST\nx              1  one\nlonger  12345678\n');
	});

	it('begin to show long before the end, and go on where a row is wider', () => {
		const text = shown((terminal) => {
			const table = new Table(terminal, columns);
			for (let i = 0; i < 200; i++) table.row('x', `${i}`, 'y');
			expect(() => table.row('a very wide cell', '1', 'z')).not.toThrow();
			table.flush();
		});
		expect(text.split('\n')).toHaveLength(203);
		expect(text).toContain('\na very wide cell       1  z\n');
	});

	it('show nothing at all without rows', () => {
		expect(shown((terminal) => new Table(terminal, columns).flush())).toBe('');
	});

	it('know how wide characters are', () => {
		expect(['abc', 'äöü', '日本', 'e\u0301', '👩‍👩‍👧'].map(width)).toEqual([3, 3, 4, 1, 2]);
	});
});
