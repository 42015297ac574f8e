import { describe, expect, it } from 'vitest';
import { version } from '../../version.ts';
import { spokenVersion } from './spoken-version.ts';

describe('the version that words and commands give', () => {
	it("is taken apart as ZooKeeper's is: by Kazoo, by monitoring agents, by ZooKeeper itself", () => {
		expect(/^([\d.]*).*/s.exec(spokenVersion)?.[1]).toBe('3.8.0');
		expect(
			/Zookeeper version: ([^.]+)\.([^.]+)\.([^-]+)/i.exec(`Zookeeper version: ${spokenVersion}`)?.slice(1),
		).toEqual(['3', '8', '0']);
		expect(/^zk_(\w[\w.-]*)\s+([\w.-]+)/.exec(`zk_version\t${spokenVersion}`)?.[2]).toBe(
			`3.8.0-chronokeeper-${version}`,
		);
		expect(spokenVersion).toMatch(/^\d+\.\d+\.\d+-\S+, built on \d\d\/\d\d\/\d{4} \d\d:\d\d UTC$/);
	});

	it("has a date that the Go client's FLWSrvr reads, not in the future", () => {
		const form = /^([A-Za-z0-9.-]+), built on (\d\d\/\d\d\/\d\d\d\d \d\d:\d\d [A-Za-z0-9:+-]+)/;
		const built = Date.parse(form.exec(spokenVersion)?.[2] ?? '');
		expect(built).toBeGreaterThan(Date.UTC(2026, 0));
		expect(built).toBeLessThanOrEqual(Date.now());
	});
});
