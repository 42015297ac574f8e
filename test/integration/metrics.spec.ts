/** docs/metrics.md says of every metric what a live server says of it. */
import { readFileSync } from 'node:fs';
import { afterAll, afterEach, expect, it } from 'vitest';
import { metricsOfBusyServer } from '#test/support/busy-server';
import { readExposition } from '#test/support/exposition';
import { TestServers } from '#test/support/test-servers';

const servers = new TestServers();
afterEach(() => servers.close());
afterAll(() => servers.remove());

const row = /^\| `(chronokeeper_\w+)` \| (\w+) \|(.*?)\| (.+) \|$/;
const elsewhere = /(In an ensemble|With TLS|With bearer tokens) only\.$/;

it('docs/metrics.md has every metric with its kind, its labels and its description', async () => {
	const text = await metricsOfBusyServer(servers);
	const live = readExposition(text);
	const helps = new Map(
		Array.from(text.matchAll(/^# HELP (\S+) (.*)$/gm), ([, name, help]): [string, string] => [name!, help!]),
	);
	const documented = new Map<string, string>();
	for (const line of readFileSync('docs/metrics.md', 'utf8').split('\n')) {
		const [, name, kind, labels, description] = row.exec(line) ?? [];
		if (name === undefined || description === undefined) continue;
		expect(documented.has(name), `${name} stands there twice`).toBe(false);
		documented.set(name, description);
		const metric = live.get(name);
		if (metric === undefined) {
			expect(description, `${name} is not in /metrics`).toMatch(elsewhere);
			continue;
		}
		expect([name, metric.kind], name).toEqual([name, kind]);
		const named = Array.from(labels!.matchAll(/`(\w+)`/g), ([, label]) => label);
		expect([...metric.labels].sort(), name).toEqual(named.sort());
		// The document may say more.
		const said = description.replaceAll('`', '').replace(/\.$/, '');
		const first = helps.get(name)!.replace(/\.$/, '');
		expect(said.slice(0, first.length), name).toBe(first);
	}
	expect([...live.keys()].filter((name) => !documented.has(name))).toEqual([]);
	expect(documented.size).toBeGreaterThan(50);
	// Prometheus reads what stands there.
	const histogram = live.get('chronokeeper_request_duration_seconds')!;
	const buckets = histogram.samples.filter(
		({ name, labels }) => name.endsWith('_bucket') && labels.get('op') === 'create' && labels.get('door') === 'grpc',
	);
	expect(buckets.map(({ value }) => value)).toEqual(buckets.map(({ value }) => value).toSorted((a, b) => a - b));
	expect(buckets.at(-1)!.labels.get('le')).toBe('+Inf');
	expect(buckets.at(-1)!.value).toBe(2);
});
