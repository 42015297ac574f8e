/** What is in deploy/ for Prometheus, in the real one: its configuration and rules are loaded, every expression is answered for a live replica, alerts fire when they should. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { root } from '#test/deploy/manifests';
import { alerts, asked, dashboard, targetsOf } from '#test/deploy/observability';
import { eventually } from '#test/support/ensemble-wait';
import { freePort, output, RunningProgram, run } from '#test/support/processes';
import { TestServers } from '#test/support/test-servers';

const folder = mkdtempSync(join(tmpdir(), 'chronokeeper-prometheus-'));
const servers = new TestServers();
afterEach(() => servers.close());
afterAll(() => {
	servers.remove();
	rmSync(folder, { recursive: true, force: true });
});

describe('promtool', () => {
	it('takes the configuration, the rules, and what the dashboard asks', () => {
		output('promtool', ['check', 'config', '--syntax-only', join(root, 'deploy', 'prometheus.yml')]);
		output('promtool', ['check', 'rules', join(root, 'deploy', 'prometheus', 'alerts.yml')]);
		const rules = targetsOf(dashboard).map(({ target }, index) => ({
			record: `panel:${index}`,
			expr: asked(target.expr),
		}));
		const file = join(folder, 'dashboard.yml');
		writeFileSync(file, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }));
		output('promtool', ['check', 'rules', file]);
		// That it would say so:
		const broken = [...rules, { record: 'panel:broken', expr: 'sum by (op (chronokeeper_znodes)' }];
		writeFileSync(file, JSON.stringify({ groups: [{ name: 'dashboard', rules: broken }] }));
		expect(run('promtool', ['check', 'rules', file]).status).not.toBe(0);
	});

	it('finds that alerts fire when they should, and no sooner', () => {
		output('promtool', ['test', 'rules', join(root, 'test', 'interop', 'alerts', 'cases.yml')]);
	});
});

interface Answer<T> {
	readonly status: string;
	readonly error?: string;
	readonly data: T;
}

describe('Prometheus', () => {
	it('loads the rules, reads a replica, and answers everything that dashboard and alerts ask', async () => {
		const server = await servers.start(servers.newDirectory());
		const client = servers.connect(server.addresses.grpc);
		for (let i = 0; i < 20; i++) await client.create(`/n${i}`, null);
		const configuration = readFileSync(join(root, 'deploy', 'prometheus.yml'), 'utf8')
			.replace('/etc/prometheus/rules', join(root, 'deploy', 'prometheus'))
			.replace(/_interval: 5s/g, '_interval: 1s')
			.replace(/targets: .*/, `targets: ["${server.addresses.http}"]`);
		const file = join(folder, 'prometheus.yml');
		writeFileSync(file, configuration);
		const address = `127.0.0.1:${await freePort()}`;
		const data = join(folder, 'data');
		const prometheus = servers.keepProcess(
			new RunningProgram('prometheus', [
				`--config.file=${file}`,
				`--storage.tsdb.path=${data}`,
				`--web.listen-address=${address}`,
			]),
		);
		await prometheus.waitFor(/Server is ready to receive web requests/);
		const ask = async <T>(path: string): Promise<Answer<T>> =>
			(await fetch(`http://${address}/api/v1/${path}`)).json() as Promise<Answer<T>>;
		const query = (expression: string) =>
			ask<{ readonly result: readonly object[] }>(`query?query=${encodeURIComponent(expression)}`);

		await eventually('the replica was read', async () => (await query('chronokeeper_znodes')).data.result.length === 1);
		const rules = await eventually('the rules were evaluated', async () => {
			const { data: loaded } = await ask<{
				readonly groups: readonly {
					readonly rules: readonly { readonly name: string; readonly health: string; readonly lastError?: string }[];
				}[];
			}>('rules');
			const all = loaded.groups.flatMap((group) => group.rules);
			return all.length > 0 && all.every(({ health }) => health !== 'unknown') ? all : undefined;
		});
		expect(rules.map(({ name }) => name).sort()).toEqual(
			alerts()
				.map(({ alert }) => alert)
				.sort(),
		);
		expect(rules.filter(({ health }) => health !== 'ok')).toEqual([]);
		for (const { panel, target } of targetsOf(dashboard)) {
			const { status, error } = await query(asked(target.expr));
			expect([status, error], panel).toEqual(['success', undefined]);
		}
		await eventually('rates are there', async () => {
			for (let i = 0; i < 20; i++) await client.get(`/n${i}`);
			const { data: rates } = await query(
				asked(targetsOf(dashboard).find(({ panel }) => panel === 'Requests by operation')!.target.expr),
			);
			return rates.result.length >= 2;
		});
	});
});
