/**
 * The version that words and commands give: ZooKeeper's whose protocol we speak, in the form that scripts and exporters take apart
 * (`3.8.0-<something>, built on <when>`), with our own where ZooKeeper has its revision.
 */
import { statSync } from 'node:fs';
import { version } from '../../version.ts';

export const zooKeeperVersion = '3.8.0';

/**
 * When the code that runs was made, as ZooKeeper wrote it before 3.7: `11/21/2026 09:30 UTC`. The Go client reads the answer to srvr, and takes a server whose
 * date it cannot read for one that does not serve; the form of 3.8 (`2026-11-21 09:30 UTC`) it does not know.
 */
const built = dateOf(statSync(import.meta.filename).mtime);

export const spokenVersion = `${zooKeeperVersion}-chronokeeper-${version}, built on ${built} UTC`;

function dateOf(time: Date): string {
	const [year, month, day, clock] = time.toISOString().split(/[-T]/);
	return `${month}/${day}/${year} ${clock?.slice(0, 5)}`;
}
