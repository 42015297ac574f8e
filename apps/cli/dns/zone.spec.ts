import { describe, expect, it } from 'vitest';
import type { ServiceInstance } from '#client/recipes/service-instance';
import { labelOf, serviceLabels } from './label.ts';
import { Zone } from './zone.ts';

function instance(id: string, more: Partial<ServiceInstance> = {}): ServiceInstance {
	const plain = { port: 80, sslPort: null, weight: 1, tags: [], metadata: null, enabled: true, problem: undefined };
	return { service: 'web', id, address: '10.0.0.1', ...plain, registeredAtMs: 0, uriSpec: null, ...more };
}

function zoneOf(services: Readonly<Record<string, readonly ServiceInstance[]>>, serverAddress?: string): Zone {
	return new Zone({ origin: 'Services.Local', ttlSeconds: 3, serverAddress }, new Map(Object.entries(services)), 7);
}

/** `A 10.0.0.1`, of what was found; or what there is instead. */
function found(zone: Zone, name: string, type: string): string | readonly string[] {
	const result = zone.find(name, type);
	if (result.kind !== 'found') return result.kind;
	return result.answers.map((answer) => `${answer.type} ${said(answer)}`);
}

function said(answer: object): string {
	const { data } = answer as { readonly data: unknown };
	if (Array.isArray(data)) return data.map(String).join(' ');
	if (typeof data === 'string') return data;
	return Object.values(data as object).join(' ');
}

describe('a zone', () => {
	const zone = zoneOf({
		web: [
			instance('one', { weight: 2, tags: ['blue', 'udp'], metadata: { version: 3, deep: {} } }),
			instance('two', { address: 'fd00::2', port: null, sslPort: 443 }),
			instance('three', { address: 'three.example.com', port: 8080 }),
			instance('out', { address: '10.0.0.9', enabled: false }),
			instance('drained', { address: '10.0.0.8', weight: 0 }),
		],
		'com.example.Mail': [instance('a', { port: 25 })],
		empty: [],
	});

	it('has the addresses of those that take requests', () => {
		expect(found(zone, 'web.services.local', 'A')).toEqual(['A 10.0.0.1']);
		expect(found(zone, 'web.services.local', 'AAAA')).toEqual(['AAAA fd00::2']);
	});

	it('has their ports and weights, and names that lead to them', () => {
		expect(found(zone, 'web.services.local', 'SRV')).toEqual([
			'SRV 0 2 80 one.web.services.local',
			'SRV 0 1 443 two.web.services.local',
			'SRV 0 1 8080 three.example.com',
		]);
		expect(found(zone, '_web._tcp.services.local', 'SRV')).toHaveLength(2);
		expect(found(zone, '_web._udp.services.local', 'SRV')).toEqual(['SRV 0 2 80 one.web.services.local']);
		expect(found(zone, 'one.web.services.local', 'A')).toEqual(['A 10.0.0.1']);
		expect(found(zone, 'out.web.services.local', 'A')).toEqual(['A 10.0.0.9']);
		expect(found(zone, 'three.web.services.local', 'A')).toEqual(['CNAME three.example.com']);
		expect(found(zone, 'three.web.services.local', 'ANY')).toEqual(['CNAME three.example.com']);
		expect(found(zone, 'one.web.services.local', 'TXT')).toEqual(['TXT id=one weight=2 tags=blue,udp version=3']);
		expect(zone.find('web.services.local', 'SRV')).toMatchObject({
			additionals: [{ name: 'one.web.services.local' }, { name: 'two.web.services.local' }],
		});
	});

	it('tells a name that is not there from one that has no such record', () => {
		expect(found(zone, 'web.services.local', 'MX')).toEqual([]);
		expect(found(zone, 'empty.services.local', 'A')).toEqual([]);
		expect(found(zone, '_tcp.services.local', 'A')).toEqual([]);
		expect(found(zone, 'example.com', 'A')).toBe('outside');
		expect(found(zone, 'myservices.local', 'A')).toBe('outside');
		expect(found(zone, 'none.services.local', 'A')).toBe('nxdomain');
		expect(found(zone, 'none.web.services.local', 'A')).toBe('nxdomain');
	});

	it('takes the dots of a service’s name for levels, which are there', () => {
		expect(found(zone, 'com.example.MAIL.services.local', 'SRV')).toEqual([
			'SRV 0 1 25 a.com.example.mail.services.local',
		]);
		expect(found(zone, 'example.mail.services.local', 'A')).toEqual([]);
		expect(found(zone, 'com.mail.services.local', 'A')).toBe('nxdomain');
		expect(found(zone, 'mail.services.local', 'A')).toEqual([]);
	});

	it('asks in any case, and answers as it was asked', () => {
		const result = zone.find('WeB.sErvices.LOCAL', 'A');
		expect(result).toMatchObject({ answers: [{ name: 'WeB.sErvices.LOCAL', data: '10.0.0.1', ttl: 3 }] });
	});

	it('begins with its authority, and names itself where it has an address', () => {
		expect(found(zone, 'services.local', 'SOA')).toEqual([
			'SOA ns.services.local hostmaster.services.local 7 60 10 3600 3',
		]);
		expect(found(zone, 'services.local', 'NS')).toEqual(['NS ns.services.local']);
		expect(found(zone, 'ns.services.local', 'A')).toEqual([]);
		expect(found(zoneOf({}, '127.0.0.1'), 'ns.services.local', 'A')).toEqual(['A 127.0.0.1']);
	});

	it('has those of weight 0 when there are no others, and weights that SRV can say', () => {
		const drained = zoneOf({ web: [instance('a', { weight: 0 }), instance('b', { weight: 0 })] });
		expect(found(drained, 'web.services.local', 'SRV')).toHaveLength(2);
		const fractions = zoneOf({ web: [instance('a', { weight: 0.5 }), instance('b', { weight: 0.25 })] });
		expect(found(fractions, 'web.services.local', 'SRV')).toEqual([
			'SRV 0 10000 80 a.web.services.local',
			'SRV 0 5000 80 b.web.services.local',
		]);
	});
});

describe('a label', () => {
	it('is the id where it can be, and otherwise stays apart from others', () => {
		expect(labelOf('Worker-1')).toBe('worker-1');
		expect(labelOf('10.0.0.1:80')).toMatch(/^10-0-0-1-80-[0-9a-f]{8}$/);
		expect(labelOf('10.0.0.1:80')).not.toBe(labelOf('10.0.0.1_80'));
		expect(labelOf('ü')).toMatch(/^[0-9a-f]{8}$/);
		expect(labelOf('x'.repeat(100))).toHaveLength(63);
		expect(labelOf('x'.repeat(100))).not.toBe(labelOf('x'.repeat(101)));
		expect(serviceLabels('a.b')).toEqual(['a', 'b']);
		expect(serviceLabels('a..b')).toEqual([labelOf('a..b')]);
	});
});
