import { expect, it } from 'vitest';
import { wordsOf } from './words.ts';

it.each([
	['ls /', ['ls', '/']],
	['  ls\t/a  ', ['ls', '/a']],
	['create /a "two words"', ['create', '/a', 'two words']],
	['create /a \'a "quoted" word\'', ['create', '/a', 'a "quoted" word']],
	['create /a ""', ['create', '/a', '']],
	['create /a it"s', ['create', '/a', 'it"s']],
	['create /a "b"c', ['create', '/a', 'b', 'c']],
	['create /a "open', ['create', '/a', 'open']],
	['"', []],
	['set /ü "grüße 漢字"', ['set', '/ü', 'grüße 漢字']],
	// A no-break space is no space to Java.
	['ls /a\u00a0b', ['ls', '/a\u00a0b']],
])('%s has the words %j', (line, words) => {
	expect(wordsOf(line)).toEqual(words);
});
