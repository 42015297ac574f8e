import fc from 'fast-check';
import { expect, it } from 'vitest';
import { JuteError } from '../codec.ts';
import { type NotificationMessage, readNotification, writeNotification } from './notification.ts';

/** Longs in hexadecimal, one word of 4 bytes each. */
function bytes(hex: string): Uint8Array {
	return Uint8Array.from(hex.match(/[0-9a-f]{2}/g) ?? [], (pair) => Number.parseInt(pair, 16));
}

const state = '00000002';
const leader = '00000000 00000003';
const zxid = '00000005 0000000c';
const round = '00000000 00000007';
const epoch = '00000000 00000006';
const config = 'server.1=a:1:2:participant\nversion=0';
const configHex = Array.from(config, (letter) => letter.charCodeAt(0).toString(16).padStart(2, '0')).join('');
const whole = `${state} ${leader} ${zxid} ${round} ${epoch} 00000002 00000024 ${configHex}`;
const vote = { state: 'leading', leader: 3, zxid: 0x5_0000_000c, electionEpoch: 7 } as const;

it('79: version 2 carries the configuration, byte for byte as ZooKeeper 3.8 writes it', () => {
	const notification: NotificationMessage = { ...vote, peerEpoch: 6, config };
	expect(readNotification(bytes(whole))).toEqual(notification);
	expect(writeNotification(notification)).toEqual(bytes(whole));
});

it('79: older messages are read: without configuration, version and epoch', () => {
	const upToEpoch = `${state} ${leader} ${zxid} ${round} ${epoch}`;
	expect(readNotification(bytes(`${upToEpoch} 00000001`))).toEqual({ ...vote, peerEpoch: 6, config: null });
	expect(readNotification(bytes(`${upToEpoch} 00000000`))).toEqual({ ...vote, peerEpoch: 6, config: null });
	expect(readNotification(bytes(upToEpoch))).toEqual({ ...vote, peerEpoch: 6, config: null });
	expect(readNotification(bytes(`${state} ${leader} ${zxid} ${round}`))).toEqual({
		...vote,
		peerEpoch: 5,
		config: null,
	});
});

it('79: the vote of an observer is the least long three times', () => {
	const least = '80000000 00000000';
	const hex = `00000000 ${least} ${least} ${round} ${least} 00000002 00000000`;
	const notification = readNotification(bytes(hex));
	expect(notification).toEqual({
		state: 'looking',
		leader: -(2 ** 63),
		zxid: -(2 ** 63),
		electionEpoch: 7,
		peerEpoch: -(2 ** 63),
		config: '',
	});
	expect(writeNotification(notification)).toEqual(bytes(hex));
});

it('79: what is written is read as the same again', () => {
	const long = fc.oneof(fc.maxSafeNat(), fc.constantFrom(-1, 0, -(2 ** 63)));
	const notification = fc.record<NotificationMessage>({
		state: fc.constantFrom('looking', 'following', 'leading', 'observing'),
		leader: long,
		zxid: long,
		electionEpoch: fc.maxSafeNat(),
		peerEpoch: long,
		config: fc.string(),
	});
	fc.assert(
		fc.property(notification, (each) => {
			expect(readNotification(writeNotification(each))).toEqual(each);
		}),
	);
});

it.each([
	['state 4', `00000004 ${leader} ${zxid} ${round} ${epoch} 00000001`],
	['a state below 0', `ffffffff ${leader} ${zxid} ${round} ${epoch} 00000001`],
	['27 bytes', `${state} ${leader} ${zxid} 00000000 000007`],
	['an epoch cut short', `${state} ${leader} ${zxid} ${round} 00000000`],
	['a version cut short', `${state} ${leader} ${zxid} ${round} ${epoch} 0000`],
	['version 2 without a length', `${state} ${leader} ${zxid} ${round} ${epoch} 00000002`],
	['a configuration of negative length', `${state} ${leader} ${zxid} ${round} ${epoch} 00000002 ffffffff`],
	[
		'a configuration that is longer than the message',
		`${state} ${leader} ${zxid} ${round} ${epoch} 00000002 00000003 6162`,
	],
	['a zxid that a double cannot hold', `${state} ${leader} 40000000 00000001 ${round} ${epoch} 00000001`],
	['a leader next to the least long', `${state} 80000000 00000001 ${zxid} ${round} ${epoch} 00000001`],
])('79: %s is refused', (_, hex) => {
	expect(() => readNotification(bytes(hex))).toThrow(JuteError);
});

it('79: what a later version has behind the configuration is left alone', () => {
	expect(readNotification(bytes(`${whole.replace('00000002 00000024', '00000003 00000024')} 0102`)).config).toBe(
		config,
	);
});
