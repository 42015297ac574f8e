/** What /metrics says, in Prometheus' text format: each metric with its kind and the labels of its samples. */
export interface ExposedMetric {
	readonly kind: string;
	/** Without `le`, which every histogram has. */
	readonly labels: ReadonlySet<string>;
	/** `name{labels}` of each sample. */
	readonly samples: readonly {
		readonly name: string;
		readonly labels: ReadonlyMap<string, string>;
		readonly value: number;
	}[];
}

const sampleForm = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})? (\S+)$/;
const labelForm = /([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)"/g;

/** @throws for a line that is none */
export function readExposition(text: string): Map<string, ExposedMetric> {
	const kinds = new Map<string, string>();
	const metrics = new Map<string, { kind: string; labels: Set<string>; samples: ExposedMetric['samples'][number][] }>();
	for (const line of text.split('\n')) {
		const [, typed, kind] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? [];
		if (typed !== undefined && kind !== undefined) kinds.set(typed, kind);
		if (line === '' || line.startsWith('#')) continue;
		const [, name, labelText = '', value] = sampleForm.exec(line) ?? [];
		if (name === undefined) throw new Error(`this is no sample: ${line}`);
		const family = kinds.has(name) ? name : name.replace(/_(bucket|sum|count)$/, '');
		const familyKind = kinds.get(family);
		if (familyKind === undefined) throw new Error(`no TYPE stands in front of ${line}`);
		const labels = new Map(Array.from(labelText.matchAll(labelForm), ([, key, of]): [string, string] => [key!, of!]));
		let metric = metrics.get(family);
		if (metric === undefined) {
			metric = { kind: familyKind, labels: new Set(), samples: [] };
			metrics.set(family, metric);
		}
		for (const label of labels.keys()) if (label !== 'le') metric.labels.add(label);
		metric.samples.push({ name, labels, value: Number(value) });
	}
	return metrics;
}
