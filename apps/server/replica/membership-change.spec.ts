import { expect, it } from 'vitest';
import { parseQuorumConfig } from '#core/zab/parse-quorum-config';
import { membershipChange } from './membership-change.ts';

const three = 'server.1=a:1:2\nserver.2=b:1:2\nserver.3=c:1:2;2181';

it.each([
	['server.1=a:1:2\nserver.2=b:1:2\nserver.3=c:1:2;2181', 'the same servers'],
	[`${three}\nserver.4=d:1:2:observer;2181`, 'server 4 joins as an observer (d:1:2:observer;0.0.0.0:2181)'],
	[
		'server.1=a:1:2\nserver.3=c:5:2;2181\nserver.5=e:1:2',
		'server 3 is c:5:2:participant;0.0.0.0:2181; server 5 joins as a participant (e:1:2:participant); server 2 leaves',
	],
	[
		'server.1=a:1:2\nserver.2=b:1:2:observer\nserver.3=c:1:2;2181',
		'server 2 becomes an observer and is b:1:2:observer',
	],
	[`${three}\ngroup.1=1:2:3`, 'other groups or weights'],
])('82: the log says what a reconfiguration changed: %#', (text, words) => {
	expect(membershipChange(parseQuorumConfig(`${text}\nversion=2`), parseQuorumConfig(three))).toBe(words);
});
