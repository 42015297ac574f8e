/** The dashboard and the alert rules of deploy/, with the expressions that they ask Prometheus. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readYaml, root } from './manifests.ts';

export interface Target {
	readonly refId: string;
	readonly expr: string;
	readonly legendFormat: string;
	readonly datasource: { readonly type: string; readonly uid: string };
}

export interface Panel {
	readonly id: number;
	readonly type: string;
	readonly title: string;
	readonly gridPos: { readonly h: number; readonly w: number; readonly x: number; readonly y: number };
	readonly datasource?: { readonly type: string; readonly uid: string };
	readonly targets?: readonly Target[];
	readonly fieldConfig?: { readonly defaults: { readonly unit: string }; readonly overrides: readonly unknown[] };
	readonly options?: object;
}

export interface Dashboard {
	readonly uid: string;
	readonly title: string;
	readonly schemaVersion: number;
	readonly time: { readonly from: string; readonly to: string };
	readonly templating: {
		readonly list: readonly { readonly name: string; readonly type: string; readonly query: unknown }[];
	};
	readonly panels: readonly Panel[];
}

export interface Alert {
	readonly alert: string;
	readonly expr: string;
	readonly for?: string;
	readonly labels: { readonly severity: string };
	readonly annotations: { readonly summary: string; readonly description: string };
}

export const dashboard = JSON.parse(
	readFileSync(join(root, 'deploy', 'grafana', 'dashboards', 'chronokeeper.json'), 'utf8'),
) as Dashboard;

export function alerts(): Alert[] {
	const [file] = readYaml<{ readonly groups: readonly { readonly name: string; readonly rules: readonly Alert[] }[] }>(
		'deploy/prometheus/alerts.yml',
	);
	return file!.groups.flatMap(({ rules }) => rules);
}

/** As Grafana sends it: its variables have values. */
export function asked(expression: string): string {
	return expression.replaceAll('$__rate_interval', '1m').replaceAll('$instance', '.*');
}

export function targetsOf({ panels }: Dashboard): { readonly panel: string; readonly target: Target }[] {
	return panels.flatMap(({ title, targets = [] }) => targets.map((target) => ({ panel: title, target })));
}
