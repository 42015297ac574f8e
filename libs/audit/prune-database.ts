/** `ck audit prune`: plans and prunes on a connection of its own. */
import pg from 'pg';
import { type PruneOptions, prune } from './prune.ts';
import { describeRequest, type PrunePlan, type PruneRequest, planPrune } from './prune-plan.ts';

export interface PruneDatabaseOptions extends Pick<PruneOptions, 'step'> {
	/** Why, in words. */
	readonly reason?: string;
	/** Plans only. */
	readonly dryRun?: boolean;
}

/** @returns what was removed, or would be. @throws PruneRefused */
export async function pruneDatabase(
	databaseUrl: string,
	request: PruneRequest,
	{ reason, dryRun = false, step }: PruneDatabaseOptions = {},
): Promise<PrunePlan> {
	const client = new pg.Client({ connectionString: databaseUrl, application_name: 'chronokeeper prune' });
	client.on('error', () => undefined); // The statement under way reports it.
	await client.connect();
	try {
		const plan = await planPrune(client, request);
		const why = `ck audit prune, ${describeRequest(request)}${reason === undefined ? '' : `: ${reason}`}`;
		if (!dryRun) await prune(client, plan, { reason: why, ...(step && { step }) });
		return plan;
	} finally {
		await client.end().catch(() => undefined); // A broken connection is closed already.
	}
}
