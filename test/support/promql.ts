/** As much of PromQL as it takes to see what an expression is about: its metrics, the labels it asks for and their values. Whether it is valid at all says promtool, in interop. */
export interface Selector {
	/** As it stands there: with `_bucket` of a histogram. */
	readonly metric: string;
	readonly matchers: readonly { readonly label: string; readonly operator: string; readonly value: string }[];
}

const words = new Set(
	'sum max min avg count by on and or unless without ignoring group_left group_right bool offset scalar rate increase floor ceil histogram_quantile'.split(
		' ',
	),
);

export function selectorsOf(expression: string): Selector[] {
	const bare = expression.replace(/\b(by|on|without|ignoring|group_left|group_right)\s*\([^)]*\)/g, '');
	const found: Selector[] = [];
	for (const [, metric, , inside = ''] of bare.matchAll(/\b([A-Za-z_:][\w:]*)(\{([^}]*)\})?(?![\w:]*\()/g)) {
		if (metric === undefined || words.has(metric) || isInside(bare, metric)) continue;
		const matchers = Array.from(inside.matchAll(/(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"/g), ([, label, operator, value]) => ({
			label: label!,
			operator: operator!,
			value: value!,
		}));
		found.push({ metric, matchers });
	}
	return found;
}

/** Only within braces or brackets: the label of a matcher, the unit of a range. */
function isInside(expression: string, word: string): boolean {
	const outside = expression.replace(/\{[^}]*\}/g, '').replace(/\[[^\]]*\]/g, '');
	return !new RegExp(`\\b${word}\\b`).test(outside.replace(/"[^"]*"/g, ''));
}

/** Of `by (…)`, `on (…)` and the like. */
export function groupedBy(expression: string): string[] {
	return Array.from(expression.matchAll(/\b(?:by|on|without|ignoring)\s*\(([^)]*)\)/g), ([, list]) => list!)
		.flatMap((list) => list.split(','))
		.map((label) => label.trim())
		.filter((label) => label !== '');
}
