import { InvalidArgumentError } from 'commander';
import { describe, expect, it } from 'vitest';
import {
	aclArgument,
	addressArgument,
	authArgument,
	countArgument,
	databaseArgument,
	pathArgument,
	sessionArgument,
	uint32Argument,
	versionArgument,
	zxidArgument,
} from './arguments.ts';

describe('arguments', () => {
	it('6: zxids are read in hexadecimal and decimal', () => {
		expect(zxidArgument('0x500000012')).toBe(0x5_0000_0012);
		expect(zxidArgument('21474836498')).toBe(0x5_0000_0012);
		expect(sessionArgument('0xffffffffffffffff')).toBe(2n ** 64n - 1n);
	});

	it('are read strictly', () => {
		const wrong: [(text: string) => unknown, string[]][] = [
			[zxidArgument, ['', 'x', '-1', '1.5', '0x', '0x20000000000000', '1e3', '5_0']],
			[sessionArgument, ['', '0x10000000000000000', '-1', 'abc']],
			[pathArgument, ['', 'a', './a']],
			[versionArgument, ['', '1.5', '2147483648', '-2147483649', 'x', '0x1']],
			[countArgument, ['', '-1', '1.5', '99999999999999999999']],
			[uint32Argument, ['4294967296', '-1']],
			[addressArgument, ['', 'host', 'host:', ':1', 'host:0', 'host:65536', 'a b:1', 'http://host:1', '::1:2181']],
			[databaseArgument, ['', 'host', 'mysql://a/b', 'postgresql://']],
			[authArgument, ['', 'ann', ':secret']],
			[aclArgument, ['', 'world', 'world:anyone', 'world:anyone:x', 'world:anyone:', ':anyone:r', 'a:b:r,']],
		];
		for (const [read, texts] of wrong) {
			for (const text of texts) expect(() => read(text), `${read.name}(${text})`).toThrow(InvalidArgumentError);
		}
	});

	it('are taken as people write them', () => {
		expect(addressArgument('[::1]:50051')).toBe('[::1]:50051');
		expect(addressArgument('db-1.example:50051')).toBe('db-1.example:50051');
		expect(versionArgument('-1')).toBe(-1);
		expect(authArgument('ann:a:b')).toBe('ann:a:b');
		expect(aclArgument('digest:ann:HASH=:rw,ip:10.0.0.0/8:cdrwa')).toEqual([
			{ scheme: 'digest', id: 'ann:HASH=', perms: 3 },
			{ scheme: 'ip', id: '10.0.0.0/8', perms: 31 },
		]);
	});
});
