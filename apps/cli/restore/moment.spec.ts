import { InvalidArgumentError } from 'commander';
import { describe, expect, it } from 'vitest';
import { momentArgument, timeArgument } from './moment.ts';

describe('a moment', () => {
	it.each([
		['2026-11-20 14:00+01', '2026-11-20T13:00:00.000Z'],
		['2026-11-20T14:00+0130', '2026-11-20T12:30:00.000Z'],
		['2026-11-20 14:00:05.25 -05:00', '2026-11-20T19:00:05.250Z'],
		['2026-11-20T13:00:00Z', '2026-11-20T13:00:00.000Z'],
		[' 2026-11-20 13:00z ', '2026-11-20T13:00:00.000Z'],
	])('%s is a time with its zone', (text, iso) => {
		expect(timeArgument(text)).toMatchObject({ ms: Date.parse(iso) });
	});

	it('without a zone is in the time of this machine, a day alone its beginning', () => {
		expect(timeArgument('2026-11-20 14:00')).toMatchObject({ ms: new Date(2026, 10, 20, 14).getTime() });
		expect(timeArgument('2026-11-20')).toMatchObject({ ms: new Date(2026, 10, 20).getTime() });
	});

	it('is a zxid when it is a number', () => {
		expect(momentArgument('0x500000012')).toEqual({ zxid: 0x5_0000_0012 });
		expect(momentArgument('12')).toEqual({ zxid: 12 });
		expect(momentArgument('2026-11-20 14:00+01')).toHaveProperty('ms');
	});

	it.each(['', 'yesterday', '14:00', '2026-13-01', '2026-11-20 25:00', '20.11.2026'])('%j is none', (text) => {
		expect(() => momentArgument(text)).toThrow(InvalidArgumentError);
	});
});
