import { describe, expect, it } from 'vitest';
import { CreateMode, type MultiResponse, type Stat } from '#client/client';
import { ClientError } from '#client/client-error';
import { wordsOf } from '../zookeeper/words.ts';
import { multiFailure, multiLines, parseOps, splitOps } from './multi.ts';

const parse = (line: string) => parseOps(splitOps(wordsOf(line)));

describe('the operations of a multi', () => {
	it('40: stand between semicolons, in the words of the commands', () => {
		const line = 'create -s /a "two words" digest:ann:HASH:rw ; set -v 3 /b y ; delete /c ; check -v 0 /d';
		expect(parse(line).map(({ op }) => op)).toEqual([
			{
				$case: 'create',
				value: {
					path: '/a',
					data: Buffer.from('two words'),
					mode: CreateMode.CREATE_MODE_PERSISTENT_SEQUENTIAL,
					ttlMs: 0n,
					acl: [{ perms: 3, id: { scheme: 'digest', id: 'ann:HASH' } }],
				},
			},
			{ $case: 'set', value: { path: '/b', data: Buffer.from('y'), version: 3 } },
			{ $case: 'delete', value: { path: '/c', version: -1 } },
			{ $case: 'check', value: { path: '/d', version: 0 } },
		]);
	});

	it('20: no data is null', () => {
		expect(parse('create /a').map(({ op }) => op!.value)).toEqual([expect.objectContaining({ data: undefined })]);
	});

	it.each([
		['delete /a ; frob /b', /^operation 2 \(frob \/b\): "frob" is none of create, set, delete, check$/],
		['set /a', /^operation 1 \(set \/a\): usage: set \[-v version\] path data$/],
		['set -x /a 1', /^operation 1 .*: Unrecognized option: -x$/],
		['check -v one /a', /^operation 1 .*: For input string: "one"$/],
		['delete a', /^operation 1 .*: Path must start with \/ character$/],
		['create /a x world:r', /^operation 1 .*: world:r does not have the form scheme:id:perm$/],
		[';', /^which operations\?/],
	])('%s is refused, and which it is', (line, message) => {
		expect(() => parse(line)).toThrow(message);
	});

	it('are told of one by one when they are done', () => {
		const ops = parse('create -s /a ; set /b y ; delete /c ; check /d');
		const results = [
			{ path: '/a0000000001', stat: undefined },
			{ path: '', stat: { version: 4 } as Stat },
			{ path: '', stat: undefined },
		];
		expect(multiLines(ops, { results, zxid: 0x5_0000_0001n } as MultiResponse)).toEqual([
			'created /a0000000001',
			'set /b, version 4',
			'deleted /c',
			'checked /d',
			'zxid 0x500000001',
		]);
	});

	it('42: when one fails it is named', () => {
		const detail = {
			code: -103,
			name: 'BadVersion',
			path: '/d',
			zxid: 5n,
			op: 1,
			opCodes: [0, -103],
			advice: '',
			reason: '',
		};
		const failure = multiFailure(parse('delete /c ; check -v 9 /d'), new ClientError('x', 'OK', detail, undefined));
		expect(failure?.message).toMatch(/^operation 2 \(check \/d\): .* \(BadVersion\); nothing was done$/);
	});
});
