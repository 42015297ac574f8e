/**
 * The version that words and commands give: ZooKeeper's whose protocol we speak, in the form that scripts and exporters take apart
 * (`3.8.0-<something>, built on <when>`), with our own where ZooKeeper has its revision.
 */
import { statSync } from 'node:fs';
import { version } from '../../version.ts';

export const zooKeeperVersion = '3.8.0';

/** When the code that runs was made: `2026-11-21 09:30 UTC`. */
const built = statSync(import.meta.filename)
	.mtime.toISOString()
	.slice(0, 16)
	.replace('T', ' ');

export const spokenVersion = `${zooKeeperVersion}-chronokeeper-${version}, built on ${built} UTC`;
