/** Where what comes behind a zxid is found: memory first, then what is cheapest of those that can say it all. */
import { RpcException } from '@nestjs/microservices';
import type { History } from '#audit/history';
import { formatZxid, type Zxid } from '#core/model/zxid';
import type { DataDirectory } from '#storage/data-directory';
import { refusal } from '../refusals.ts';
import { type FromDatabase, TailDatabase } from './tail-database.ts';
import type { TailEntry } from './tail-entry.ts';
import type { FedReplica, TailFeed } from './tail-feed.ts';
import { TailLog } from './tail-log.ts';
import type { TailView } from './tail-view.ts';

/** Some transactions; none, since all were seen; or none yet, and what to say when it stays so. */
export type Found = { readonly entries: readonly TailEntry[] } | 'tip' | { readonly missing: RpcException };

/** Of transactions in memory that are looked at before others have their turn. */
const memoryBytes = 1 << 18;

export class TailSources {
	readonly #feed: TailFeed;
	readonly #replica: FedReplica & { readonly directory: DataDirectory };
	readonly #log: TailLog;
	/** Undefined without a mirror. */
	readonly #database: TailDatabase | undefined;

	constructor(
		feed: TailFeed,
		replica: FedReplica & { readonly directory: DataDirectory },
		database: (() => Promise<History>) | undefined,
	) {
		this.#feed = feed;
		this.#replica = replica;
		this.#log = new TailLog(replica.directory, () => replica.host.tree);
		this.#database = database && new TailDatabase(database);
	}

	/** @throws RpcException when nobody will ever know what comes behind it */
	async after(zxid: Zxid, view: TailView): Promise<Found> {
		const found = this.#feed.after(zxid, memoryBytes);
		if (found === 'tip') return 'tip';
		if (found === 'never committed') throw neverCommitted(zxid);
		if (found === 'ahead') return { missing: aheadOf(zxid, this.#replica.host.lastProcessedZxid) };
		if (found !== 'not here') return { entries: found };
		// Who could read what then is known exactly to PostgreSQL alone.
		const first = view.needsAcls ? await this.#fromDatabase(zxid, view).catch(refused) : null;
		if (first !== null && 'entries' in first) return first;
		const logged = await this.#log.read(zxid, this.#replica.host.lastProcessedZxid);
		if (logged === 'never committed') throw neverCommitted(zxid);
		if (logged === 'not here') {
			const last = first ?? (await this.#fromDatabase(zxid, view).catch(refused));
			if ('refused' in last) throw last.refused;
			return last;
		}
		if (logged.length === 0) return { missing: notYet(zxid) };
		const unknown = logged.findIndex((entry) => view.lacksRights(entry));
		if (unknown !== 0) return { entries: unknown === -1 ? logged : logged.slice(0, unknown) };
		if (this.#database === undefined || first === null) throw rightsUnknown(zxid);
		return 'refused' in first ? { missing: first.refused } : first;
	}

	forget(): void {
		this.#log.forget();
		this.#database?.forget();
	}

	/** @throws RpcException */
	async #fromDatabase(zxid: Zxid, view: TailView): Promise<Exclude<Found, 'tip'>> {
		if (this.#database === undefined) throw purged(zxid, 'and there is no mirror here (audit.mode=off)');
		let read: FromDatabase;
		try {
			read = await this.#database.read(zxid, view.withData);
		} catch (error) {
			const why = error instanceof RpcException ? error.message : (error as Error).message;
			return { missing: refusal('MIRROR_AWAY', `what comes behind ${formatZxid(zxid)} cannot be asked for: ${why}`) };
		}
		if (read === 'never committed') throw neverCommitted(zxid);
		if ('gap' in read) throw inGap(zxid, read.gap);
		if (read.length > 0) return { entries: read };
		return { missing: refusal('MIRROR_AWAY', `what comes behind ${formatZxid(zxid)} is not in PostgreSQL yet`) };
	}
}

/** Kept until it is known whether the log can answer. */
function refused(error: unknown): { readonly refused: RpcException } {
	if (error instanceof RpcException) return { refused: error };
	throw error;
}

function neverCommitted(zxid: Zxid): RpcException {
	return refusal('NEVER_COMMITTED', `${formatZxid(zxid)} was never committed: the history went on without it`);
}

function aheadOf(zxid: Zxid, last: Zxid): RpcException {
	return refusal('AHEAD_OF_REPLICA', `${formatZxid(zxid)} is ahead of this replica, which is at ${formatZxid(last)}`);
}

function notYet(zxid: Zxid): RpcException {
	return refusal('GO_ELSEWHERE', `the log of this replica does not have yet what comes behind ${formatZxid(zxid)}`);
}

function purged(zxid: Zxid, why: string): RpcException {
	return refusal('HISTORY_GAP', `the log of this replica does not go back to ${formatZxid(zxid)}, ${why}`, {
		after_zxid: formatZxid(zxid),
	});
}

function inGap(
	zxid: Zxid,
	gap: { readonly afterZxid: Zxid; readonly throughZxid: Zxid; readonly kind: string; readonly reason: string },
): RpcException {
	const [after, through] = [formatZxid(gap.afterZxid), formatZxid(gap.throughZxid)];
	const message = `behind ${formatZxid(zxid)} transactions are not known: those behind ${after} up to ${through} (${gap.kind}: ${gap.reason}). Begin with ${through} to go on without them`;
	return refusal('HISTORY_GAP', message, { after_zxid: after, through_zxid: through, kind: gap.kind });
}

function rightsUnknown(zxid: Zxid): RpcException {
	return refusal(
		'RIGHTS_UNKNOWN',
		`who could read what changed behind ${formatZxid(zxid)} is not in the log, and there is no mirror here to ask`,
	);
}
