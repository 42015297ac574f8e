/** A member of an ensemble: its ports, its history, and the peer that goes from leader to leader. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Host } from '#core/host/host';
import { MemberHistory } from '#core/host/member-history';
import { Peer } from '#core/host/peer';
import { formatZxid, type Zxid } from '#core/model/zxid';
import type { CommitHold } from '#core/ports/commit-hold';
import { Membership } from '#core/zab/membership';
import type { HostPort, QuorumConfig, QuorumServer } from '#core/zab/quorum-config';
import { isEveryHost } from '#core/zab/quorum-server';
import { readNotification, writeNotification } from '#jute/quorum/notification';
import { ElectionPort } from '#quorum/election-port';
import { QuorumPort } from '#quorum/quorum-port';
import { formatAddresses, systemAfter } from '#quorum/sockets';
import type { Logger } from '#telemetry/logger';
import type { ServerConfig } from '../config/config.ts';
import type { EnsembleConfig, EnsembleLimits } from '../config/ensemble.ts';
import { electionPortOptions, observerPauses, snapshotSizeFactor, syncLimits } from './ensemble-options.ts';
import { MemberStorage, type MemberStorageParts } from './member-storage.ts';
import { membershipChange } from './membership-change.ts';
import { MembershipFiles } from './membership-files.ts';
import { systemClock } from './system-clock.ts';

export interface MemberParts extends MemberStorageParts {
	readonly config: ServerConfig;
	readonly ensemble: EnsembleConfig;
	readonly host: Host;
	/** With audit.mode=strict. */
	readonly hold: CommitHold | undefined;
	readonly logger: Logger;
	/** Its mirror is the one that writes, or not any more. */
	readonly mirrors: (isMirroring: boolean) => void;
	/** Where its clients connect from now on. */
	readonly clientsMoved: (address: HostPort) => void;
}

export class Member {
	readonly history: MemberHistory;
	readonly peer: Peer;
	/** The servers of the ensemble as they are now. */
	readonly membership: Membership;
	readonly limits: EnsembleLimits;
	/** When it began to serve as what it is now. */
	servingSinceMs = 0;
	readonly #served = Promise.withResolvers<void>();
	readonly #parts: MemberParts;
	readonly #files: MembershipFiles;
	readonly #elections: ElectionPort;
	readonly #quorum: QuorumPort;
	readonly #logger: Logger;
	/** Its line in the newest configuration that has one: a server that was removed stays where it is. */
	#self: QuorumServer;

	constructor(parts: MemberParts) {
		const { config, ensemble, host, hold, logger } = parts;
		const { self, members, next, limits } = ensemble;
		this.#parts = parts;
		this.#self = self;
		this.limits = limits;
		this.#logger = logger;
		const warn = (message: string) => logger.warn(message);
		this.history = new MemberHistory(
			host,
			new MemberStorage({ ...parts, snapshotSizeFactor: snapshotSizeFactor(config) }),
			{
				maxTxns: config.commitLogCount,
				maxBytes: 64 << 20,
			},
		);
		const { dataDir } = config;
		this.#files = new MembershipFiles({ serverId: self.id, dataDir, editableFile: ensemble.editableFile, warn });
		this.membership = new Membership({
			serverId: self.id,
			current: members,
			next,
			isReconfigurable: config.reconfigEnabled,
			store: {
				saveNext: (proposed) => this.#saveNext(proposed),
				saveCurrent: (committed) => this.#files.saveCurrent(committed),
			},
		});
		this.membership.onChanged((current, previous) => this.#membersChanged(current, previous));
		const addressesOf = (of: (server: QuorumServer) => readonly HostPort[]) => (id: number) =>
			this.membership.servers(id).flatMap(of);
		this.#elections = new ElectionPort({
			serverId: self.id,
			addresses: self.electionAddresses,
			listenOn: this.#listenOn(self.electionAddresses),
			addressesOf: addressesOf((server) => server.electionAddresses),
			encode: writeNotification,
			decode: readNotification,
			warn,
			...electionPortOptions(config, limits),
		});
		this.#quorum = new QuorumPort({
			listenOn: () => this.#listenOn(this.#self.quorumAddresses),
			addressesOf: addressesOf((server) => server.quorumAddresses),
			connectTimeoutMs: limits.connectToLearnerMasterLimit * limits.tickMs,
			connectRetryMs: config.leaderConnectDelayDuringRetryMs,
			warn,
		});
		this.peer = new Peer({
			serverId: self.id,
			host,
			history: this.history,
			membership: this.membership,
			elections: this.#elections,
			quorum: this.#quorum,
			after: systemAfter,
			clock: systemClock,
			limits,
			hold,
			// ZooKeeper's grace: not shorter, however short a tick is.
			...(config['readonlymode.enabled'] ? { readOnlyAfterMs: Math.max(2000, limits.tickMs) } : {}),
			maxEpochWaitMs: config.maxTimeToWaitForEpoch,
			syncLimits: syncLimits(config),
			observerPauses: observerPauses(config, Math.random),
			electionLimits: {
				minNotificationIntervalMs: config['fastleader.minNotificationInterval'],
				maxNotificationIntervalMs: config['fastleader.maxNotificationInterval'],
			},
			events: {
				stateChanged: (state, leader, reason) => this.#stateChanged(state, leader, reason),
				serving: (epoch) => this.#serving(epoch),
				reconfigRefused: (reason) => logger.warn(`a reconfiguration is refused: ${reason}`),
				membershipFailed: (error) => {
					logger.error({ err: error }, 'members of the ensemble could not be saved: those before them stay');
				},
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

	/** Resolves when it has served for the first time, and after so many milliseconds in any case. */
	async served(withinMs: number): Promise<void> {
		await Promise.race([this.#served.promise, pause(withinMs, undefined, { ref: false })]);
	}

	/** Leaves the ensemble's work to the others. */
	async stop(): Promise<void> {
		this.peer.stop();
		await Promise.all([this.#elections.close(), this.#quorum.close()]);
		await this.history.settled();
	}

	/** Its line in the configuration in force, or, when it was removed, the last one it had. */
	get self(): QuorumServer {
		return this.#self;
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
		this.#parts.mirrors(false);
		if (reason !== undefined) this.#logger.warn(`looking for a leader: ${reason.message}`);
		else if (leader === undefined) this.#logger.info('looking for a leader');
		else this.#logger.info(`${state}${state === 'leading' ? '' : ` server ${leader}`}`);
	}

	#serving(epoch: number): void {
		this.servingSinceMs = performance.now();
		this.#served.resolve();
		this.#logger.info({ epoch, mode: this.mode }, `serving in epoch ${epoch} as ${this.mode}`);
		const { mirrors, config } = this.#parts;
		const mirroredBy = config['audit.mirroredBy'];
		mirrors(mirroredBy === 0 ? this.peer.state === 'leading' : mirroredBy === this.#self.id);
	}

	#saveNext(config: QuorumConfig): void {
		this.#files.saveNext(config);
		// It is known where they are when it is the next one.
		const joining = [...config.servers.keys()].filter((id) => !this.membership.current.servers.has(id));
		if (joining.length > 0) setImmediate(() => this.#elections.reach(joining));
	}

	#membersChanged(current: QuorumConfig, previous: QuorumConfig): void {
		const { leader } = this.peer.vote;
		const leads = this.mode === undefined ? 'nobody leads at the moment' : `server ${leader} leads`;
		this.#logger.info(
			{ version: formatZxid(current.version as Zxid), leader: this.mode === undefined ? undefined : leader },
			`the members are those of ${this.#files.fileOf(current)}: ${membershipChange(current, previous)}; ${leads}`,
		);
		const self = current.servers.get(this.#self.id);
		this.#elections.forgetStrangers();
		if (self === undefined) {
			this.#logger.warn('this server is no member any more: it follows without a vote until it is stopped');
			return;
		}
		const before = this.#self;
		this.#self = self;
		if (formatAddresses(before.electionAddresses) !== formatAddresses(self.electionAddresses))
			this.#elections.move(self.electionAddresses, this.#listenOn(self.electionAddresses));
		if (self.client !== undefined && addressText(before.client) !== addressText(self.client))
			this.#parts.clientsMoved(this.#confined(self.client));
	}

	/** A line that says all addresses does not open a port that clientPortAddress confines. */
	#confined(address: HostPort): HostPort {
		const { given, clientPortAddress } = this.#parts.config;
		return isEveryHost(address.host) && given.has('clientPortAddress') && clientPortAddress !== ''
			? { ...address, host: clientPortAddress }
			: address;
	}

	/** What it listens on to be reached at these addresses. */
	#listenOn(addresses: readonly HostPort[]): readonly HostPort[] {
		return this.#parts.config.quorumListenOnAllIPs ? addresses.map(({ port }) => ({ host: '', port })) : addresses;
	}
}

function addressText(address: HostPort | undefined): string {
	return address === undefined ? '' : formatAddresses([address]);
}
