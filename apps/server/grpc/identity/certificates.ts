/** What a client's certificate makes of it: the `x509` identity of its subject, as ZooKeeper has it, and `super` for the one that the operator names. */
import type { Id } from '#jute/records';
import type { CallHead } from '../grpc-call.ts';
import { subjectName } from './subject-name.ts';

/** Where grpc-js keeps the connection of a call: the certificate is the connection's, and to read it for each call costs as much as the call. */
interface CallInside {
	readonly call?: { readonly stream?: { readonly session?: object } };
}

export class Certificates {
	readonly #superUser: string;
	readonly #known = new WeakMap<object, readonly Id[]>();

	/** @param superUser empty: nobody is */
	constructor(superUser: string) {
		this.#superUser = superUser;
	}

	/** Empty for a caller without a certificate, or with one that was not found good. */
	identitiesOf(call: CallHead): readonly Id[] {
		const connection = (call as CallInside).call?.stream?.session;
		if (connection === undefined) return this.#read(call);
		let identities = this.#known.get(connection);
		if (identities === undefined) {
			identities = this.#read(call);
			this.#known.set(connection, identities);
		}
		return identities;
	}

	#read(call: CallHead): readonly Id[] {
		const certificate = call.getAuthContext().sslPeerCertificate?.raw;
		const id = certificate === undefined ? '' : subjectName(certificate);
		// A certificate without a subject says nothing of its owner.
		if (id === '') return [];
		const identity: Id = { scheme: 'x509', id };
		return id === this.#superUser ? [{ scheme: 'super', id }, identity] : [identity];
	}
}
