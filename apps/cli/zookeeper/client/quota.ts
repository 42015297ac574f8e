/** Quotas are nodes below /zookeeper/quota: for /a/b the limits and the usage of its subtree are in two children of …/a/b. */

import { quotaPath as quotaRoot, zookeeperPath } from '#core/model/path';
import { errors } from '#jute/errors';
import { openAcl } from '#jute/records';
import { IllegalArgument } from '../failures.ts';
import type { Operations } from '../operations.ts';
import { KeeperError } from './keeper-error.ts';
import { type QuotaField, StatsTrack } from './stats-track.ts';
import { visitSubtree } from './subtree.ts';

const limitsName = 'zookeeper_limits';
const statsName = 'zookeeper_stats';

export function limitsPath(path: string): string {
	return `${quotaRoot}${path}/${limitsName}`;
}

function statsPath(path: string): string {
	return `${quotaRoot}${path}/${statsName}`;
}

export async function readQuota(client: Operations, path: string): Promise<{ limits: StatsTrack; usage: StatsTrack }> {
	const limits = StatsTrack.parse((await client.getData(limitsPath(path), false)).data);
	return { limits, usage: StatsTrack.parse((await client.getData(statsPath(path), false)).data) };
}

/** @returns warnings about limits that are exceeded already; @throws IllegalArgument when the path cannot have a quota */
export async function setQuota(client: Operations, path: string, field: QuotaField, value: bigint): Promise<string[]> {
	if ((await client.exists(path, false)) === null) throw new IllegalArgument(`${path} does not exist.`);
	await refuseQuotaBelow(client, path);
	await refuseQuotaAbove(client, path);
	await createMissing(client, path);
	if ((await client.exists(limitsPath(path), false)) === null) {
		const fields: readonly QuotaField[] = ['count', 'bytes', 'countHardLimit', 'byteHardLimit'];
		const limits = new StatsTrack();
		for (const one of fields) limits.set(one, one === field ? value : -1n);
		await createNode(client, limitsPath(path), limits.toBytes());
		await createNode(client, statsPath(path), new StatsTrack().set('count', 0n).set('bytes', 0n).toBytes());
		const written = await readQuota(client, path);
		return warnings(written.limits, written.usage);
	}
	const { limits, usage } = await readQuota(client, path);
	limits.set(field, value);
	await client.setData(limitsPath(path), limits.toBytes(), -1);
	return warnings(limits, usage);
}

/** Without fields the quota goes altogether. @returns false when there is none */
export async function deleteQuota(client: Operations, path: string, fields: readonly QuotaField[]): Promise<boolean> {
	if ((await client.exists(limitsPath(path), false)) === null) return false;
	const limits = StatsTrack.parse((await client.getData(limitsPath(path), false)).data);
	if (fields.length > 0) {
		for (const field of fields) limits.set(field, -1n);
		await client.setData(limitsPath(path), limits.toBytes(), -1);
		return true;
	}
	const node = `${quotaRoot}${path}`;
	for (const name of (await client.getChildren(node, false)).names) await client.delete(`${node}/${name}`, -1);
	await trim(client, node);
	return true;
}

/** Deletes the nodes above that were there for this quota only. */
async function trim(client: Operations, path: string): Promise<void> {
	for (let at = path; at !== quotaRoot; at = at.slice(0, at.lastIndexOf('/'))) {
		if ((await client.getChildren(at, false)).names.length > 0) return;
		await client.delete(at, -1);
	}
}

async function refuseQuotaBelow(client: Operations, path: string): Promise<void> {
	const own = `${quotaRoot}${path}`;
	const refuse = async (at: string): Promise<void> => {
		if (at !== own && (await childrenOf(client, at)).includes(limitsName)) {
			throw new IllegalArgument(`${path} has a child ${at.slice(quotaRoot.length)} which has a quota`);
		}
	};
	try {
		await visitSubtree(client, own, false, refuse);
	} catch (error) {
		if (!isNoNode(error)) throw error;
	}
}

async function refuseQuotaAbove(client: Operations, path: string): Promise<void> {
	const names = path.split('/').slice(1, -1);
	let at: string = quotaRoot;
	for (const name of names) {
		at += `/${name}`;
		const children = await childrenOf(client, at);
		if (children.length === 0) return;
		if (children.includes(limitsName)) {
			throw new IllegalArgument(`${path} has a parent ${at.slice(quotaRoot.length)} which has a quota`);
		}
	}
}

async function childrenOf(client: Operations, path: string): Promise<readonly string[]> {
	try {
		return (await client.getChildren(path, false)).names;
	} catch (error) {
		if (isNoNode(error)) return [];
		throw error;
	}
}

/** The nodes from the root of quotas down to that of the path. */
async function createMissing(client: Operations, path: string): Promise<void> {
	const paths = [zookeeperPath, quotaRoot];
	for (const name of path.split('/').filter((one) => one !== '')) paths.push(`${paths.at(-1)}/${name}`);
	for (const at of paths) {
		if ((await client.exists(at, false)) !== null) continue;
		try {
			await createNode(client, at, null);
		} catch (error) {
			// Somebody else sets a quota at the same time.
			if (!(error instanceof KeeperError && error.code === errors.nodeExists.code)) throw error;
		}
	}
}

async function createNode(client: Operations, path: string, data: Uint8Array | null): Promise<void> {
	await client.create({ path, data, acl: openAcl, mode: 'persistent', ttlMs: 0 });
}

function warnings(limits: StatsTrack, usage: StatsTrack): string[] {
	const exceeded = (field: QuotaField, used: bigint): boolean => limits.get(field) > -1n && limits.get(field) < used;
	const [count, bytes] = [usage.get('count'), usage.get('bytes')];
	const texts: string[] = [];
	if (exceeded('count', count) || exceeded('countHardLimit', count)) {
		texts.push(`[Warning]: the count quota you create is less than the existing count:${count}`);
	}
	if (exceeded('bytes', bytes) || exceeded('byteHardLimit', bytes)) {
		texts.push(`[Warning]: the bytes quota you create is less than the existing bytes:${bytes}`);
	}
	return texts;
}

export function isNoNode(error: unknown): error is KeeperError {
	return error instanceof KeeperError && error.code === errors.noNode.code;
}
