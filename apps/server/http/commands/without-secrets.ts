import { type Key, type KeyName, keyNames, keys } from '../../config/keys.ts';

const secretNames = keyNames.filter((name: KeyName) => (keys[name] as Key<unknown>).secret === true);
const secretLine = new RegExp(
	`^(\\s*(?:zookeeper\\.)?(?:${secretNames.map((name) => name.replaceAll('.', '\\.')).join('|')}|[^\\s=:]*password[^\\s=:]*)\\s*[=:\\s]\\s*)\\S.*$`,
	'gim',
);

/** The text of a configuration file with `***` in the place of passwords and digests. */
export function withoutSecrets(text: string): string {
	return text.replace(secretLine, '$1***');
}
