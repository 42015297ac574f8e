/**
 * What Java's system properties are there: the machine, the process, and every key of the configuration with the value in effect, under the
 * prefix that ZooKeeper gives its own. Values that are secret are not shown.
 */
import { EOL, platform } from 'node:os';
import { delimiter, sep } from 'node:path';
import type { ServerConfig } from '../../config/config.ts';
import { type Key, keyNames, keys } from '../../config/keys.ts';
import { environment } from '../../zookeeper/figures/environment.ts';

export function systemProperties(config: ServerConfig): Record<string, string> {
	const properties = new Map<string, string>([
		['file.encoding', 'UTF-8'],
		['file.separator', sep],
		['line.separator', EOL],
		['path.separator', delimiter],
		['os.platform', platform()],
		['node.version', process.versions.node],
		['v8.version', process.versions.v8],
		['node.options', process.execArgv.join(' ')],
	]);
	for (const [name, value] of environment()) {
		if (/^(java|os|user)\./.test(name) && !name.startsWith('os.memory')) properties.set(name, value);
	}
	for (const name of keyNames) {
		const key = keys[name] as Key<unknown>;
		if (key.secret !== true) properties.set(`zookeeper.${name}`, key.type.show(config[name]));
	}
	return Object.fromEntries([...properties].sort(([a], [b]) => (a < b ? -1 : 1)));
}
