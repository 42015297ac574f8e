import { describe, expect, it } from 'vitest';
import { decodeInstance, encodeInstance, type ServiceInstance } from './service-instance.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

/** As Curator 5.4 wrote it. */
const curators =
	'{"name":"web","id":"one","address":"10.0.0.1","port":80,"sslPort":443,"payload":{"@class":"java.util.HashMap","weight":2},"registrationTimeUTC":1795326012147,"serviceType":"DYNAMIC","uriSpec":{"parts":[{"value":"scheme","variable":true}]}}';

describe('an instance in its node', () => {
	it('reads what Curator writes', () => {
		expect(decodeInstance(bytes(curators))).toEqual({
			service: 'web',
			id: 'one',
			address: '10.0.0.1',
			port: 80,
			sslPort: 443,
			weight: 1,
			tags: [],
			metadata: { '@class': 'java.util.HashMap', weight: 2 },
			enabled: true,
			problem: undefined,
			registeredAtMs: 1795326012147,
			uriSpec: { parts: [{ value: 'scheme', variable: true }] },
		});
	});

	it('comes back as it was, with the fields that Curator reads', () => {
		const instance: ServiceInstance = {
			service: 'web',
			id: 'ünï',
			address: 'fd00::1',
			port: null,
			sslPort: 8443,
			weight: 0.5,
			tags: ['blue'],
			metadata: ['anything', 1],
			enabled: false,
			problem: 'no disk',
			registeredAtMs: 12,
			uriSpec: null,
		};
		expect(decodeInstance(encodeInstance(instance))).toEqual(instance);
		expect(JSON.parse(new TextDecoder().decode(encodeInstance(instance)))).toMatchObject({
			name: 'web',
			id: 'ünï',
			payload: ['anything', 1],
			registrationTimeUTC: 12,
			serviceType: 'DYNAMIC',
			uriSpec: null,
			enabled: false,
		});
	});

	it('leaves out what is no instance', () => {
		const others = ['', 'null', '[]', '{', '{"name":"web"}', '{"name":1,"id":"x"}', '"web"'];
		for (const text of others) expect(decodeInstance(bytes(text)), text).toBeUndefined();
		expect(decodeInstance(null)).toBeUndefined();
		expect(decodeInstance(new Uint8Array([0x7b, 0xff, 0x7d]))).toBeUndefined();
	});

	it('takes what others write wrong for nothing said', () => {
		const odd =
			'{"name":"web","id":"x","port":70000,"sslPort":"no","weight":-1,"tags":["a",1],"address":7,"enabled":null}';
		expect(decodeInstance(bytes(odd))).toMatchObject({
			port: null,
			sslPort: null,
			weight: 1,
			tags: ['a'],
			address: '',
			enabled: true,
			registeredAtMs: 0,
		});
	});
});
