/**
 * What a connection saw, in words that are equal when two servers behaved alike: session ids become the order in which the script opened
 * them, times become the transaction that they belong to, and sets without an order are sorted. Everything else stays as it came.
 */
import type { ConnectResponse } from '#jute/client/connect';
import type { MultiResult } from '#jute/client/multi-response';
import type { ClientResponse } from '#jute/client/responses';
import { errorName } from '#jute/errors';
import { opName } from '#jute/op-codes';
import type { Acl, Stat } from '#jute/records';
import type { SessionId } from '#jute/scalars';
import type { Arrived, WireReply } from '#test/support/wire-client';

/** What the names of one server's sessions and the times of its transactions are. One for all scripts that this server runs. */
export class Names {
	readonly #sessions = new Map<SessionId, string>();
	/** By zxid: all that a transaction stamps carries its time. */
	readonly #times = new Map<number, number>();

	nameSession(id: SessionId, name: string): void {
		this.#sessions.set(id, name);
	}

	session(id: bigint): string {
		return id === 0n ? 'none' : (this.#sessions.get(id as SessionId) ?? `unknown session`);
	}

	/** @throws when a transaction shows two times */
	#time(zxid: number, time: number): string {
		const known = this.#times.get(zxid);
		if (known === undefined) this.#times.set(zxid, time);
		else if (known !== time) return `${time}, but zxid ${zxid} was at ${known}`;
		return zxid === 0 ? String(time) : `of ${zxid}`;
	}

	arrived(one: Arrived): string {
		if (one.kind === 'connected') return this.#connected(one.response);
		if (one.kind === 'event')
			return `event type ${one.type} state ${one.state} ${JSON.stringify(one.path)} zxid ${one.zxid}`;
		return this.#reply(one);
	}

	stat(stat: Stat): string {
		const { czxid, mzxid, pzxid, version, cversion, aversion, dataLength, numChildren } = stat;
		const numbers = { czxid, mzxid, pzxid, version, cversion, aversion, dataLength, numChildren };
		const words = Object.entries(numbers).map(([name, value]) => `${name}=${value}`);
		words.push(`ctime=${this.#time(czxid, stat.ctime)}`, `mtime=${this.#time(mzxid, stat.mtime)}`);
		words.push(`owner=${this.session(stat.ephemeralOwner)}`);
		return words.join(' ');
	}

	acl(acl: readonly Acl[]): string {
		return sorted(acl.map((entry) => `${entry.perms}:${entry.scheme}:${entry.id}`));
	}

	#connected(response: ConnectResponse): string {
		const { protocolVersion, timeoutMs, sessionId, password, readOnly } = response;
		const secret =
			password === null
				? 'null'
				: password.every((byte) => byte === 0)
					? `${password.length} zeros`
					: `${password.length} bytes`;
		return `connected: session ${this.session(sessionId)}, ${timeoutMs} ms, password ${secret}, protocol ${protocolVersion}, readOnly ${readOnly}`;
	}

	#reply(reply: WireReply): string {
		const head = `xid ${reply.xid} ${opName(reply.type) ?? `op ${reply.type}`} zxid ${reply.zxid} ${errorName(reply.error)}`;
		if (reply.response !== undefined) return `${head} (${reply.body.length}) ${this.#response(reply.response)}`;
		// What may stand behind an error nobody reads (docs/divergence.md).
		return head;
	}

	#response(response: ClientResponse): string {
		switch (response.kind) {
			case 'create':
			case 'sync':
				return JSON.stringify(response.path);
			case 'create2':
			case 'createContainer':
			case 'createTTL':
				return `${JSON.stringify(response.path)} ${this.stat(response.stat)}`;
			case 'exists':
			case 'setData':
			case 'setACL':
				return this.stat(response.stat);
			case 'getData':
			case 'reconfig':
				return `${dataWords(response.data)} ${this.stat(response.stat)}`;
			case 'getACL':
				return `${this.acl(response.acl)} ${this.stat(response.stat)}`;
			case 'getChildren':
			case 'getEphemerals':
				return sorted(response.names);
			case 'getChildren2':
				return `${sorted(response.names)} ${this.stat(response.stat)}`;
			case 'getAllChildrenNumber':
				return String(response.count);
			case 'whoAmI':
				return sorted(response.identities.map(({ scheme, id }) => `${scheme}:${id}`));
			case 'sasl':
				return dataWords(response.token);
			case 'multi':
			case 'multiRead':
				return response.results.map((result) => `[${this.#result(result)}]`).join(' ');
			default:
				return '';
		}
	}

	#result(result: MultiResult): string {
		switch (result.kind) {
			case 'create':
				return `create ${JSON.stringify(result.path)}`;
			case 'create2':
				return `create2 ${JSON.stringify(result.path)} ${this.stat(result.stat)}`;
			case 'setData':
				return `setData ${this.stat(result.stat)}`;
			case 'getData':
				return `getData ${dataWords(result.data)} ${this.stat(result.stat)}`;
			case 'getChildren':
				return `getChildren ${sorted(result.names)}`;
			case 'error':
				return errorName(result.code);
			default:
				return result.kind;
		}
	}
}

export function dataWords(data: Uint8Array | null): string {
	return data === null ? 'null' : `${data.length} bytes ${JSON.stringify(Buffer.from(data).toString('latin1'))}`;
}

/** ZooKeeper keeps these in hash sets: their order says nothing. */
function sorted(names: readonly string[]): string {
	return JSON.stringify([...names].sort());
}
