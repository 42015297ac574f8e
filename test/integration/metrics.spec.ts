/** What live servers say in /metrics, and everything that relies on it: docs/metrics.md, the dashboard and the alerts of deploy/. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { alerts, asked, dashboard, targetsOf } from '#test/deploy/observability';
import { type ExposedMetric, readExposition } from '#test/support/exposition';
import { metricsOfBusyServer, metricsOfMember, metricsOfSecureServer } from '#test/support/live-metrics';
import { groupedBy, selectorsOf } from '#test/support/promql';
import { TestServers } from '#test/support/test-servers';

const servers = new TestServers();
let text: string;
let live: ReadonlyMap<string, ExposedMetric>;

beforeAll(async () => {
	const busy = await metricsOfBusyServer(servers);
	text = [busy, await metricsOfSecureServer(servers), await metricsOfMember(servers)].join('');
	live = readExposition(text);
});
afterAll(async () => {
	await servers.close();
	servers.remove();
});

/** What Prometheus adds to every sample. */
const ofPrometheus = new Set(['instance', 'job']);

describe('docs/metrics.md', () => {
	const row = /^\| `(chronokeeper_\w+)` \| (\w+) \|(.*?)\| (.+) \|$/;

	it('has every metric with its kind, its labels and its description', () => {
		const helps = new Map(
			Array.from(text.matchAll(/^# HELP (\S+) (.*)$/gm), ([, name, help]): [string, string] => [name!, help!]),
		);
		const documented = new Set<string>();
		for (const line of readFileSync('docs/metrics.md', 'utf8').split('\n')) {
			const [, name, kind, labels, description] = row.exec(line) ?? [];
			if (name === undefined || description === undefined) continue;
			expect(documented.has(name), `${name} stands there twice`).toBe(false);
			documented.add(name);
			const metric = live.get(name);
			expect([name, metric?.kind]).toEqual([name, kind]);
			const named = Array.from(labels!.matchAll(/`(\w+)`/g), ([, label]) => label);
			expect([...metric!.labels].sort(), name).toEqual(named.sort());
			// The document may say more.
			const said = description.replaceAll('`', '').replace(/\.$/, '');
			const first = helps.get(name)!.replace(/\.$/, '');
			expect(said.slice(0, first.length), name).toBe(first);
		}
		expect([...live.keys()].filter((name) => !documented.has(name))).toEqual([]);
		expect(documented.size).toBeGreaterThan(50);
	});
});

it('buckets of a histogram rise to the number of requests', () => {
	const { samples } = live.get('chronokeeper_request_duration_seconds')!;
	const buckets = samples.filter(
		({ name, labels }) => name.endsWith('_bucket') && labels.get('op') === 'create' && labels.get('door') === 'grpc',
	);
	expect(buckets.map(({ value }) => value)).toEqual(buckets.map(({ value }) => value).toSorted((a, b) => a - b));
	expect(buckets.at(-1)!.labels.get('le')).toBe('+Inf');
	expect(buckets.at(-1)!.value).toBe(2);
});

/** The metric that a name in an expression is of; undefined when no server has it. */
function metricOf(name: string): ExposedMetric | undefined {
	return live.get(name) ?? live.get(name.replace(/_(bucket|sum|count)$/, ''));
}

/** What an expression asks for and no live server has. */
function missingIn(expression: string, shown: readonly string[] = []): string[] {
	const selectors = selectorsOf(expression).filter(({ metric }) => metric !== 'up');
	const problems: string[] = [];
	const known = new Set([...ofPrometheus, 'le']);
	for (const { metric, matchers } of selectors) {
		const found = metricOf(metric);
		if (found === undefined) {
			problems.push(`no server has ${metric}`);
			continue;
		}
		for (const label of found.labels) known.add(label);
		if (metric.endsWith('_bucket') !== (found.kind === 'histogram' && !/_(sum|count)$/.test(metric)))
			problems.push(`${metric} is not what a ${found.kind} has`);
		for (const { label, value } of matchers) {
			if (ofPrometheus.has(label)) continue;
			const values = new Set(found.samples.map(({ labels }) => labels.get(label)));
			if (!found.labels.has(label)) problems.push(`${metric} has no label ${label}`);
			// Operations are many, and a server has those that somebody asked for.
			else if (label !== 'op')
				for (const one of value.split('|')) if (!values.has(one)) problems.push(`no ${metric} has ${label}="${one}"`);
		}
	}
	for (const label of [...groupedBy(expression), ...shown])
		if (!known.has(label)) problems.push(`${label} is no label of what is asked`);
	return problems;
}

it('an expression that asks for what is not there is found', () => {
	expect(missingIn('sum by (op) (rate(chronokeeper_request_duration_seconds_count{door="grpc"}[1m]))')).toEqual([]);
	expect(missingIn('rate(chronokeeper_request_seconds_count[1m])')).toEqual([
		'no server has chronokeeper_request_seconds_count',
	]);
	expect(missingIn('chronokeeper_znodes{op="create"}')).toEqual(['chronokeeper_znodes has no label op']);
	expect(missingIn('sum by (door) (chronokeeper_znodes)')).toEqual(['door is no label of what is asked']);
	expect(missingIn('chronokeeper_role{role=~"leader|master"}')).toEqual(['no chronokeeper_role has role="master"']);
	expect(missingIn('rate(chronokeeper_znodes_bucket[1m])')).toEqual([
		'chronokeeper_znodes_bucket is not what a gauge has',
	]);
	expect(missingIn('chronokeeper_znodes', ['kind'])).toEqual(['kind is no label of what is asked']);
});

describe('the dashboard', () => {
	it('is what Grafana reads: panels in their places, with queries of the chosen data source', () => {
		expect(dashboard).toMatchObject({ uid: 'chronokeeper', title: 'Chronokeeper' });
		expect(dashboard.schemaVersion).toBeGreaterThanOrEqual(36);
		const variables = new Map(dashboard.templating.list.map((variable) => [variable.name, variable]));
		expect(variables.get('datasource')).toMatchObject({ type: 'datasource', query: 'prometheus' });
		expect(variables.get('instance')).toMatchObject({ type: 'query' });
		const ids = dashboard.panels.map(({ id }) => id);
		expect(new Set(ids).size).toBe(ids.length);
		const taken = new Set<string>();
		for (const { type, title, gridPos, datasource, targets, fieldConfig, options } of dashboard.panels) {
			const { x, y, w, h } = gridPos;
			expect([x >= 0, x + w <= 24, w > 0, h > 0], title).toEqual([true, true, true, true]);
			for (let column = x; column < x + w; column++) {
				for (let line = y; line < y + h; line++) {
					expect(taken.has(`${column},${line}`), `${title} lies on another panel`).toBe(false);
					taken.add(`${column},${line}`);
				}
			}
			if (type === 'row') continue;
			expect(['timeseries', 'stat'], title).toContain(type);
			expect(datasource, title).toEqual({ type: 'prometheus', uid: `\${datasource}` });
			expect([fieldConfig?.overrides, typeof options], title).toEqual([[], 'object']);
			expect(targets!.length, title).toBeGreaterThan(0);
			expect(new Set(targets!.map(({ refId }) => refId)).size, title).toBe(targets!.length);
			for (const target of targets!) {
				expect(target.datasource, title).toEqual(datasource);
				for (const [, name] of target.expr.matchAll(/\$(?!__rate_interval\b)(\w+)/g))
					expect([...variables.keys()], title).toContain(name);
			}
		}
	});

	it('asks for nothing that no server has', () => {
		const problems = targetsOf(dashboard).flatMap(({ panel, target }) => {
			const shown = Array.from(target.legendFormat.matchAll(/\{\{(\w+)\}\}/g), ([, label]) => label!);
			return missingIn(asked(target.expr), shown).map((problem) => `${panel}: ${problem}`);
		});
		expect(problems).toEqual([]);
		expect(targetsOf(dashboard).length).toBeGreaterThan(40);
	});
});

describe('the alerts', () => {
	it('have a name, a severity, and words that say what to do', () => {
		const names = alerts().map(({ alert }) => alert);
		expect(new Set(names).size).toBe(names.length);
		for (const { alert, labels, annotations } of alerts()) {
			expect(alert).toMatch(/^Chronokeeper[A-Z]\w+$/);
			expect(['critical', 'warning'], alert).toContain(labels.severity);
			expect(annotations.summary.length, alert).toBeGreaterThan(10);
			expect(annotations.description, alert).toMatch(/\.$/);
		}
	});

	it('ask for nothing that no server has', () => {
		const problems = alerts().flatMap(({ alert, expr, annotations }) => {
			const shown = Array.from(annotations.summary.matchAll(/\$labels\.(\w+)/g), ([, label]) => label!);
			return missingIn(expr, shown).map((problem) => `${alert}: ${problem}`);
		});
		expect(problems).toEqual([]);
		expect(alerts().length).toBeGreaterThan(15);
	});
});
