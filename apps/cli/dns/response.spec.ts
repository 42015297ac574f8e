import { type Answer, decode, encode, type Packet, RECURSION_DESIRED } from 'dns-packet';
import { describe, expect, it } from 'vitest';
import type { ServiceInstance } from '#client/recipes/service-instance';
import { respond } from './response.ts';
import { Zone } from './zone.ts';

function instance(number: number): ServiceInstance {
	const plain = { port: 80, sslPort: null, weight: 1, tags: [], metadata: null, enabled: true, problem: undefined };
	const address = `10.0.${number >> 8}.${number & 255}`;
	return { service: 'web', id: `i${number}`, address, ...plain, registeredAtMs: 0, uriSpec: null };
}

const zone = new Zone(
	{ origin: 'services.local', ttlSeconds: 3 },
	new Map([
		['web', [instance(1), instance(2)]],
		['many', Array.from({ length: 200 }, (_, i) => instance(i))],
		['crowd', Array.from({ length: 2000 }, (_, i) => instance(i))],
	]),
	1,
);

function opt(udpPayloadSize: number, ednsVersion = 0): Answer {
	return {
		type: 'OPT',
		name: '.',
		udpPayloadSize,
		extendedRcode: 0,
		ednsVersion,
		flags: 0,
		flag_do: false,
		options: [],
	};
}

function query(name: string, type: string, more: Partial<Packet> = {}): Buffer {
	const questions = [{ name, type: type as 'A' }];
	return encode({ type: 'query', id: 4711, flags: RECURSION_DESIRED, questions, ...more });
}

function ask(message: Buffer, transport: 'udp' | 'tcp' = 'udp') {
	const bytes = respond(message, zone, transport, () => 0)!;
	return { ...(decode(bytes) as unknown as Packet & { readonly rcode: string }), length: bytes.length };
}

describe('an answer', () => {
	it('has the number, the question and the wish of the query, and says that it knows', () => {
		const answer = ask(query('WEB.services.local', 'A'));
		expect(answer).toMatchObject({
			id: 4711,
			type: 'response',
			flag_aa: true,
			flag_rd: true,
			flag_ra: false,
			rcode: 'NOERROR',
		});
		expect(answer.questions).toEqual([{ name: 'WEB.services.local', type: 'A', class: 'IN' }]);
		expect(answer.answers?.map((one) => [one.name, (one as { data: string }).data])).toEqual([
			['WEB.services.local', '10.0.0.1'],
			['WEB.services.local', '10.0.0.2'],
		]);
		expect(answer.additionals).toEqual([]);
	});

	it('begins with another one each time', () => {
		const first = (random: number) =>
			(decode(respond(query('web.services.local', 'A'), zone, 'udp', () => random)!).answers![0] as { data: string })
				.data;
		expect([first(0), first(0.5)]).toEqual(['10.0.0.1', '10.0.0.2']);
	});

	it('that there is none comes with how long that may be remembered', () => {
		const soa = [{ type: 'SOA', name: 'services.local', ttl: 3, data: { serial: 1, minimum: 3 } }];
		expect(ask(query('none.services.local', 'A'))).toMatchObject({
			rcode: 'NXDOMAIN',
			flag_aa: true,
			answers: [],
			authorities: soa,
		});
		expect(ask(query('web.services.local', 'MX'))).toMatchObject({
			rcode: 'NOERROR',
			flag_aa: true,
			answers: [],
			authorities: soa,
		});
		expect(ask(query('web.services.local', 'UNKNOWN_65'))).toMatchObject({
			rcode: 'NOERROR',
			answers: [],
			authorities: soa,
		});
	});

	it('is refused for what is another’s, for transfers and other classes', () => {
		const refused = { rcode: 'REFUSED', flag_aa: false, answers: [] };
		expect(ask(query('example.com', 'A'))).toMatchObject(refused);
		expect(ask(query('.', 'NS'))).toMatchObject(refused);
		expect(ask(query('services.local', 'AXFR'), 'tcp')).toMatchObject(refused);
		const chaos = [{ name: 'web.services.local', type: 'TXT' as const, class: 'CH' as const }];
		expect(ask(query('', 'A', { questions: chaos }))).toMatchObject(refused);
	});

	it('fits into what the asker takes, or is cut and asked for again over TCP', () => {
		const plain = ask(query('many.services.local', 'A'));
		expect(plain).toMatchObject({ flag_tc: true, answers: [], additionals: [] });
		const large = ask(query('many.services.local', 'A', { additionals: [opt(65_000)] }));
		expect(large).toMatchObject({ flag_tc: true, answers: [], additionals: [{ type: 'OPT', udpPayloadSize: 1232 }] });
		expect(ask(query('many.services.local', 'A'), 'tcp')).toMatchObject({ flag_tc: false, answers: { length: 200 } });
		const srv = ask(query('web.services.local', 'SRV'));
		expect(srv.additionals).toHaveLength(2);
		expect(srv.length).toBeLessThanOrEqual(512);
		const crowd = ask(query('crowd.services.local', 'SRV'), 'tcp');
		expect(crowd.length).toBeLessThanOrEqual(65_535);
		expect(crowd.answers!.length).toBeGreaterThan(500);
	});

	it('leaves out addresses beside the answer before it is cut', () => {
		const few = new Zone(
			{ origin: 's.local', ttlSeconds: 1 },
			new Map([['web', Array.from({ length: 9 }, (_, i) => instance(i))]]),
			1,
		);
		const answer = decode(respond(query('web.s.local', 'SRV'), few, 'udp')!);
		expect(answer).toMatchObject({ flag_tc: false, answers: { length: 9 }, additionals: [] });
	});

	it('takes the size of EDNS for at least 512, and knows only its version 0', () => {
		const tiny = ask(query('web.services.local', 'A', { additionals: [opt(1)] }));
		expect(tiny).toMatchObject({ flag_tc: false, answers: { length: 2 }, additionals: [{ type: 'OPT' }] });
		const newer = ask(query('web.services.local', 'A', { additionals: [opt(1232, 1)] }));
		expect(newer).toMatchObject({ answers: [], additionals: [{ type: 'OPT', extendedRcode: 1, ednsVersion: 0 }] });
		expect(ask(query('web.services.local', 'A', { additionals: [opt(512), opt(512)] })).rcode).toBe('FORMERR');
	});
});

describe('what is no query', () => {
	const good = query('web.services.local', 'A');

	it('is not answered when it is an answer, or too short to say whose it is', () => {
		const answer = Buffer.from(good);
		answer[2]! |= 0x80;
		expect(respond(answer, zone, 'udp')).toBeUndefined();
		expect(respond(good.subarray(0, 11), zone, 'udp')).toBeUndefined();
		expect(respond(Buffer.alloc(0), zone, 'udp')).toBeUndefined();
	});

	it('is FORMERR when it cannot be read, with its number', () => {
		const bad: Readonly<Record<string, Buffer>> = {
			'cut off': good.subarray(0, 20),
			'more behind it': Buffer.concat([good, Buffer.from([0])]),
			'no question': query('', 'A', { questions: [] }),
			'two questions': query('', 'A', {
				questions: [
					{ name: 'a', type: 'A' },
					{ name: 'b', type: 'A' },
				],
			}),
			'a name that refers to itself': Buffer.concat([good.subarray(0, 12), Buffer.from([0xc0, 12, 0, 1, 0, 1])]),
			'a label with a dot in it': Buffer.concat([good.subarray(0, 12), Buffer.from([3, 97, 46, 98, 0, 0, 1, 0, 1])]),
			'a label that is no UTF-8': Buffer.concat([good.subarray(0, 12), Buffer.from([1, 0xff, 0, 0, 1, 0, 1])]),
		};
		for (const [what, message] of Object.entries(bad)) {
			const answer = ask(message);
			expect([answer.id, answer.rcode, answer.questions], what).toEqual([4711, 'FORMERR', []]);
		}
	});

	it('is NOTIMP when it is no standard query', () => {
		const update = Buffer.from(good);
		update[2]! |= 5 << 3;
		expect(ask(update)).toMatchObject({ id: 4711, rcode: 'NOTIMP', opcode: 'UPDATE' });
	});

	it('never throws, whatever bytes it is made of', () => {
		let state = 99;
		const random = (below: number) => {
			state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
			return Math.floor((state / 2 ** 32) * below);
		};
		for (let round = 0; round < 3000; round++) {
			const message = Buffer.from(round % 2 ? query('many.services.local', 'SRV', { additionals: [opt(1232)] }) : good);
			for (let flips = 1 + random(4); flips > 0; flips--) message[random(message.length)] = random(256);
			const answer = respond(message.subarray(0, random(message.length + 1)), zone, 'udp');
			if (answer !== undefined) expect(answer.length).toBeLessThanOrEqual(1232);
		}
	});
});
