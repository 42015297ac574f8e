import { describe, expect, it } from 'vitest';
import { flags, type OptionRules, parseOptions, valued } from './options.ts';

const rules: OptionRules = { options: [...flags('s', 'w'), ...valued('v', 'file')] };
const oneOf: OptionRules = {
	options: ['n', 'b'].map((name) => ({ name, takesValue: true, description: `${name} quota` })),
	exclusive: { required: true },
};

function parse(line: string, by: OptionRules = rules): Record<string, unknown> {
	const { args, has, value } = parseOptions(line.split(' '), by);
	const given = by.options.filter(({ name }) => has(name));
	return { args, ...Object.fromEntries(given.map(({ name }) => [name, value(name) ?? true])) };
}

describe('options', () => {
	it.each([
		['get /a', { args: ['get', '/a'] }],
		['get -s /a', { args: ['get', '/a'], s: true }],
		['get /a -s -w', { args: ['get', '/a'], s: true, w: true }],
		['get -sw /a', { args: ['get', '/a'], s: true, w: true }],
		['set -v 3 /a', { args: ['set', '/a'], v: '3' }],
		['set -v3 /a', { args: ['set', '/a'], v: '3' }],
		['set -v=3 /a', { args: ['set', '/a'], v: '3' }],
		['set -sv3 /a', { args: ['set', '/a'], s: true, v: '3' }],
		['set -v -1 /a', { args: ['set', '/a'], v: '-1' }],
		['set -v -x /a', { args: ['set', '/a'], v: '-x' }],
		['set -v "3" /a', { args: ['set', '/a'], v: '3' }],
		['set -v 1 -v 2 /a', { args: ['set', '/a'], v: '1' }],
		['set -file a.cfg', { args: ['set'], file: 'a.cfg' }],
		['set - /a', { args: ['set', '-', '/a'] }],
		['set -- -s -v', { args: ['set', '-s', '-v'] }],
	])('reads %s', (line, expected) => {
		expect(parse(line)).toEqual(expected);
	});

	it.each([
		['get -x', 'UnrecognizedOptionException: Unrecognized option: -x'],
		['get -sx', 'UnrecognizedOptionException: Unrecognized option: -sx'],
		['get -s=1', 'UnrecognizedOptionException: Unrecognized option: -s=1'],
		['get --s', 'UnrecognizedOptionException: Unrecognized option: --s'],
		['get -file=a', 'UnrecognizedOptionException: Unrecognized option: -file=a'],
		['get -1', 'UnrecognizedOptionException: Unrecognized option: -1'],
		['set -v', 'MissingArgumentException: Missing argument for option: v'],
		['set -v -s /a', 'MissingArgumentException: Missing argument for option: v'],
	])('refuses %s', (line, message) => {
		expect(() => parse(line)).toThrow(`org.apache.commons.cli.${message}`);
	});

	it('takes one of several that exclude each other', () => {
		expect(parse('setquota -n 5 /a', oneOf)).toEqual({ args: ['setquota', '/a'], n: '5' });
		expect(() => parse('setquota -n 5 -b 6 /a', oneOf)).toThrow(
			"AlreadySelectedException: The option 'b' was specified but an option from this group has already been selected: 'n'",
		);
		expect(() => parse('setquota /a', oneOf)).toThrow(
			'MissingOptionException: Missing required option: [-n n quota, -b b quota]',
		);
	});
});
