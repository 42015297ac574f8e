/** What clients read at /zookeeper/config, as three Apache ZooKeeper 3.8 servers have it, with reconfigEnabled and without. */

import { expect, it } from 'vitest';
import { configPath } from '#core/model/path';
import { makeZxid } from '#core/model/zxid';
import { startThree } from './ensemble/world-of-three.ts';

const lines = [1, 2, 3].map((id) => `server.${id}=10.0.0.${id}:2888:3888:participant`).join('\n');

it.each([
	[false, 0],
	[true, makeZxid(1, 0)],
])('82: reconfigEnabled %s: all members show the configuration, of version %i', async (reconfigEnabled, version) => {
	const { members, checkers } = await startThree(7, { reconfigEnabled });
	for (const { host } of members) {
		const { tree } = host!;
		expect(new TextDecoder().decode(tree.data(configPath)!)).toBe(`${lines}\nversion=${version.toString(16)}`);
		const { czxid, ctime, mzxid, version: dataVersion, aversion, cversion, pzxid, mtime } = tree.stat(configPath)!;
		expect({ czxid, ctime, mzxid, dataVersion, aversion, cversion, pzxid }).toEqual({
			czxid: 0,
			ctime: 0,
			mzxid: version,
			dataVersion: -1,
			aversion: -1,
			cversion: 0,
			pzxid: 0,
		});
		// A time of the member's own: no transaction wrote it.
		expect(mtime).toBeGreaterThan(1_600_000_000_000);
		expect(host!.lastProcessedZxid).toBe(0);
	}
	expect(checkers.findings).toEqual([]);
});
