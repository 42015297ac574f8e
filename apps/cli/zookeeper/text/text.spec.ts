import { afterEach, describe, expect, it, vi } from 'vitest';
import { StatsTrack } from '../client/stats-track.ts';
import { configurationText, parseConfiguration } from '../commands/members.ts';
import { decodeInt, readInt, readLong } from '../java-numbers.ts';
import { idText, parseAcl, permsText } from './acl-text.ts';
import { dateText } from './date-text.ts';

describe('an ACL', () => {
	it.each([
		['world:anyone:cdrwa', [{ scheme: 'world', id: 'anyone', perms: 31 }], []],
		[
			'ip:10.0.0.0/8:r,auth::w',
			[
				{ scheme: 'ip', id: '10.0.0.0/8', perms: 1 },
				{ scheme: 'auth', id: '', perms: 2 },
			],
			[],
		],
		['digest:a:b=:d', [{ scheme: 'digest', id: 'a:b=', perms: 8 }], []],
		['a:b', [], ['a:b does not have the form scheme:id:perm']],
		['', [], [' does not have the form scheme:id:perm']],
		['x:y:rq,', [{ scheme: 'x', id: 'y', perms: 1 }], ['Unknown perm type: q']],
		[',', [], []],
	])('%j is read', (text, acl, complaints) => {
		const said: string[] = [];
		expect(parseAcl(text, (line) => said.push(line))).toEqual(acl);
		expect(said).toEqual(complaints);
	});
	it('is printed', () => {
		expect([permsText(31), permsText(3), permsText(0)]).toEqual(['cdrwa', 'rw', '']);
		expect(idText({ scheme: 'digest', id: 'a,b}%\n' })).toBe("'digest,'a%2Cb%7D%25%0A\n");
	});
});

describe('a date', () => {
	afterEach(() => vi.unstubAllEnvs());
	it.each([
		['UTC', 'Fri Nov 21 04:40:00 UTC 2025'],
		['Europe/Berlin', 'Fri Nov 21 05:40:00 CET 2025'],
		['Europe/London', 'Fri Nov 21 04:40:00 GMT 2025'],
		['America/New_York', 'Thu Nov 20 23:40:00 EST 2025'],
		['America/Sao_Paulo', 'Fri Nov 21 01:40:00 BRT 2025'],
		['Asia/Kolkata', 'Fri Nov 21 10:10:00 IST 2025'],
		['Asia/Tokyo', 'Fri Nov 21 13:40:00 JST 2025'],
		['Australia/Sydney', 'Fri Nov 21 15:40:00 AEDT 2025'],
		['Asia/Thimphu', 'Fri Nov 21 10:40:00 GMT+06:00 2025'],
	])('in %s', (zone, text) => {
		vi.stubEnv('TZ', zone);
		expect(dateText(1_763_700_000_000)).toBe(text);
	});
});

describe('a number', () => {
	it('is what Java takes for one', () => {
		expect(['0', '-5', '+7', '2147483647', '2147483648', '1.5', ' 1', '', '-'].map(readInt)).toEqual([
			0,
			-5,
			7,
			2_147_483_647,
			...Array(5),
		]);
		expect(readLong('9223372036854775807')).toBe(2n ** 63n - 1n);
		expect(readLong('9223372036854775808')).toBeUndefined();
		expect(readLong('fF', 16)).toBe(255n);
	});
	it('is decoded by its prefix', () => {
		expect(['10', '-0x1f', '#F', '017', '0', '-0'].map(decodeInt)).toEqual([10, -31, 15, 15, 0, -0 + 0]);
		expect(() => decodeInt('x')).toThrow('For input string: "x"');
	});
});

describe("a quota's numbers", () => {
	it.each([
		['count=2,bytes=-1', 'count=2,bytes=-1'],
		['count=2,bytes=5=;byteHardLimit=7;countHardLimit=3', 'count=2,bytes=5=;byteHardLimit=7;countHardLimit=3'],
		['bytes=5', 'count=-1,bytes=5'],
		['', 'count=-1,bytes=-1'],
	])('%j', (text, printed) => {
		expect(String(StatsTrack.parse(Buffer.from(text)))).toBe(printed);
	});
	it('are refused when they are none', () => {
		expect(() => StatsTrack.parse(Buffer.from('count=many'))).toThrow('For input string: "many"');
		expect(() => StatsTrack.parse(Buffer.from('count'))).toThrow('ArrayIndexOutOfBounds');
	});
});

describe('a configuration', () => {
	it('is written as ZooKeeper writes it', () => {
		const text = 'server.2=b:2:3:observer;2181\nserver.1=[::1]:2:3;10.0.0.1:2181\nserver.3 = c:2:3\nversion=1f\n';
		expect(configurationText(parseConfiguration(text))).toBe(
			'server.1=[::1]:2:3:participant;10.0.0.1:2181\nserver.2=b:2:3:observer;0.0.0.0:2181\nserver.3=c:2:3:participant\nversion=1f',
		);
	});
	it.each([
		['server.1=a:2', 'a:2 does not have the form server_config'],
		['server.x=a:2:3', 'For input string: "x"'],
		['server.1=a:x:3', 'Address unresolved: a:x'],
		['server.1=a:2:3:leader', 'Unrecognised peertype: leader'],
	])('%s is refused', (text, message) => {
		expect(() => parseConfiguration(text)).toThrow(message);
	});
});
