/** A member of an ensemble: its ports, its history, and the peer that goes from leader to leader. */
import type { Host } from '#core/host/host';
import { MemberHistory } from '#core/host/member-history';
import { Peer } from '#core/host/peer';
import type { HostPort, QuorumServer } from '#core/zab/quorum-config';
import { readNotification, writeNotification } from '#jute/quorum/notification';
import { ElectionPort } from '#quorum/election-port';
import { QuorumPort } from '#quorum/quorum-port';
import { systemAfter } from '#quorum/sockets';
import type { Logger } from '#telemetry/logger';
import type { ServerConfig } from '../config/config.ts';
import type { EnsembleConfig } from '../config/ensemble.ts';
import { MemberStorage, type MemberStorageParts } from './member-storage.ts';
import { systemClock } from './system-clock.ts';

export interface MemberParts extends MemberStorageParts {
	readonly config: ServerConfig;
	readonly ensemble: EnsembleConfig;
	readonly host: Host;
	readonly logger: Logger;
	/** Its mirror is the one that writes, or not any more. */
	readonly mirrors: (isMirroring: boolean) => void;
}

export class Member {
	readonly history: MemberHistory;
	readonly peer: Peer;
	readonly ensemble: EnsembleConfig;
	/** When it began to serve as what it is now. */
	servingSinceMs = 0;
	readonly #elections: ElectionPort;
	readonly #quorum: QuorumPort;
	readonly #logger: Logger;
	readonly #mirrors: (isMirroring: boolean) => void;
	readonly #mirroredBy: number;

	constructor(parts: MemberParts) {
		const { config, ensemble, host, logger } = parts;
		const { self, members, limits } = ensemble;
		this.ensemble = ensemble;
		this.#logger = logger;
		this.#mirrors = parts.mirrors;
		this.#mirroredBy = config['audit.mirroredBy'];
		const warn = (message: string) => logger.warn(message);
		this.history = new MemberHistory(host, new MemberStorage(parts), {
			maxTxns: config.commitLogCount,
			maxBytes: 64 << 20,
		});
		const listenOn = (addresses: readonly HostPort[]) =>
			config.quorumListenOnAllIPs ? addresses.map(({ port }) => ({ host: '', port })) : addresses;
		const addressesOf = (of: (server: QuorumServer) => readonly HostPort[]) => (id: number) => {
			const server = members.servers.get(id);
			return server === undefined ? [] : of(server);
		};
		this.#elections = new ElectionPort({
			serverId: self.id,
			addresses: self.electionAddresses,
			listenOn: listenOn(self.electionAddresses),
			addressesOf: addressesOf((server) => server.electionAddresses),
			encode: writeNotification,
			decode: readNotification,
			warn,
			connectTimeoutMs: config.cnxTimeout,
		});
		this.#quorum = new QuorumPort({
			listenOn: () => listenOn(self.quorumAddresses),
			addressesOf: addressesOf((server) => server.quorumAddresses),
			connectTimeoutMs: limits.connectToLearnerMasterLimit * limits.tickMs,
			connectRetryMs: config.leaderConnectDelayDuringRetryMs,
			warn,
		});
		this.peer = new Peer({
			serverId: self.id,
			host,
			history: this.history,
			config: () => members,
			elections: this.#elections,
			quorum: this.#quorum,
			after: systemAfter,
			clock: systemClock,
			limits,
			// ZooKeeper's grace: not shorter, however short a tick is.
			...(config['readonlymode.enabled'] ? { readOnlyAfterMs: Math.max(2000, limits.tickMs) } : {}),
			electionLimits: {
				minNotificationIntervalMs: config['fastleader.minNotificationInterval'],
				maxNotificationIntervalMs: config['fastleader.maxNotificationInterval'],
			},
			events: {
				stateChanged: (state, leader, reason) => this.#stateChanged(state, leader, reason),
				serving: (epoch) => this.#serving(epoch),
				snapshotNeeded: (leader, reason) => {
					logger.warn(`server ${leader} is asked for a snapshot: ${reason.message}`);
				},
				learnerLost: (learner, address, reason) => {
					logger.warn(`${learner === -1 ? address : `server ${learner}`} does not follow any more: ${reason.message}`);
				},
			},
		});
	}

	/** @throws Error naming the address that cannot be listened on */
	async start(): Promise<void> {
		await this.#elections.open(this.peer);
		this.peer.start();
	}

	/** Leaves the ensemble's work to the others. */
	async stop(): Promise<void> {
		this.peer.stop();
		await Promise.all([this.#elections.close(), this.#quorum.close()]);
		await this.history.settled();
	}

	/** `leader`, `follower` or `observer` while it serves, as ZooKeeper's `Mode:` says it; undefined while it looks for a leader. */
	get mode(): 'leader' | 'follower' | 'observer' | undefined {
		switch (this.peer.state) {
			case 'leading':
				return 'leader';
			case 'following':
				return 'follower';
			case 'observing':
				return 'observer';
			default:
				return undefined;
		}
	}

	#stateChanged(state: string, leader: number | undefined, reason: Error | undefined): void {
		// Also of one that is elected and does not serve yet: what it has logged it applies, and may lose again.
		this.#mirrors(false);
		if (reason !== undefined) this.#logger.warn(`looking for a leader: ${reason.message}`);
		else if (leader === undefined) this.#logger.info('looking for a leader');
		else this.#logger.info(`${state}${state === 'leading' ? '' : ` server ${leader}`}`);
	}

	#serving(epoch: number): void {
		this.servingSinceMs = performance.now();
		this.#logger.info({ epoch, mode: this.mode }, `serving in epoch ${epoch} as ${this.mode}`);
		const { self } = this.ensemble;
		this.#mirrors(this.#mirroredBy === 0 ? this.peer.state === 'leading' : this.#mirroredBy === self.id);
	}
}
