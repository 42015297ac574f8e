import { type Key, keyNames, keys } from '../../config/keys.ts';
import { aliases } from '../../config/property-names.ts';

const isSecret = (name: string) => (keys as Readonly<Record<string, Key<unknown>>>)[name]?.secret === true;
const secretNames = [...keyNames, ...[...aliases].filter(([, name]) => isSecret(name)).map(([alias]) => alias)]
	.filter((name) => isSecret(aliases.get(name) ?? name))
	.map((name) => name.replaceAll('.', '\\.'));
const secretLine = new RegExp(
	`^([ \\t]*(?:zookeeper\\.)?(?:${secretNames.join('|')}|[^\\s=:#!]*password[^\\s=:]*)(?:[ \\t]*[=:][ \\t]*|[ \\t]+))\\S(?:.*\\\\\\r?\\n)*.*$`,
	'gim',
);

/** The text of a configuration file with `***` in the place of passwords and digests. */
export function withoutSecrets(text: string): string {
	return text.replace(secretLine, '$1***');
}
