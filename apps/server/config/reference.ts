/** The tables of docs/configuration.md, made from the code. */
import { environmentVariable, type Key, keyNames, keys } from './keys.ts';
import { laterKeys } from './later-keys.ts';

export function effectiveKeysTable(): string {
	const rows = keyNames.map((name) => {
		const key = keys[name] as Key<unknown>;
		const shown = key.type.show(key.fallback);
		return `| \`${name}\` | \`${environmentVariable(name)}\` | ${key.type.allowed} | ${shown === '' ? '(empty)' : `\`${shown}\``} | ${key.meaning} |`;
	});
	return ['| key | variable | value | default | meaning |', '| --- | --- | --- | --- | --- |', ...rows].join('\n');
}

export function laterKeysTable(): string {
	const rows = Object.entries(laterKeys).map(([name, meaning]) => `| \`${name}\` | ${meaning} |`);
	return ['| key | what for |', '| --- | --- |', ...rows].join('\n');
}
