/**
 * The election of a controller as Kafka's brokers hold it, with its fencing by epochs. `node kafka-controller.ts ADDRESS`.
 *
 *     /brokers/ids/<id>       ephemeral: the brokers that live, {"host", "port"}
 *     /controller             ephemeral: the one that leads, {"version", "brokerid", "timestamp"}
 *     /controller_epoch       how many controllers there were
 *
 * Whoever creates /controller leads. The epoch is counted up in the same transaction, with a check of the version that was read: no two controllers have the same one, and everything that a controller
 * tells the brokers carries it, so that they refuse one who does not know yet that it leads no more.
 */
import { BadVersionError, type Chronokeeper, connect, NodeExistsError } from '@chronokeeper/client';

const endpoints = process.argv[2] ?? '127.0.0.1:50051';

class Broker {
	readonly id: number;
	readonly #ck: Chronokeeper;
	/** Of the newest controller that it has heard of. */
	#epochSeen = 0;

	private constructor(id: number, ck: Chronokeeper) {
		this.id = id;
		this.#ck = ck;
	}

	static async start(id: number): Promise<Broker> {
		const ck = await connect({ endpoints, sessionTimeoutMs: 6000 });
		await ck.ensurePath('/brokers/ids');
		const place = JSON.stringify({ host: `10.0.0.${id}`, port: 9092, version: 5 });
		await ck.create(`/brokers/ids/${id}`, place, { mode: 'ephemeral' });
		return new Broker(id, ck);
	}

	/** Waits until it is controller. @returns its epoch */
	async elect(signal?: AbortSignal): Promise<number> {
		for (;;) {
			const epoch = await this.#tryToLead();
			if (epoch !== undefined) return epoch;
			await this.#ck.untilDeleted('/controller', { signal });
		}
	}

	/** What a controller asks of it. @returns whether it was done */
	obey(epoch: number): boolean {
		if (epoch < this.#epochSeen) return false;
		this.#epochSeen = epoch;
		return true;
	}

	/** Its ephemeral nodes are gone then. */
	stop(): Promise<void> {
		return this.#ck.close();
	}

	async #tryToLead(): Promise<number | undefined> {
		await this.#ck.create('/controller_epoch', '0').catch(unless(NodeExistsError));
		const { data, stat } = await this.#ck.get('/controller_epoch', { linearizable: true });
		const epoch = Number(data) + 1;
		const controller = JSON.stringify({ version: 1, brokerid: this.id, timestamp: `${Date.now()}` });
		try {
			await this.#ck
				.transaction()
				.create('/controller', controller, { mode: 'ephemeral' })
				.set('/controller_epoch', `${epoch}`, { version: stat.version })
				.commit();
			return epoch;
		} catch (error) {
			// Another one leads, or has just led.
			if (error instanceof NodeExistsError || error instanceof BadVersionError) return undefined;
			throw error;
		}
	}
}

/** Lets errors of this class pass. */
function unless(errorClass: typeof NodeExistsError): (error: unknown) => void {
	return (error) => {
		if (!(error instanceof errorClass)) throw error;
	};
}

const [one, two, three] = [await Broker.start(1), await Broker.start(2), await Broker.start(3)];
const first = await one.elect();
console.log(`broker 1 is controller, epoch ${first}`);
console.log(`it is obeyed: ${two.obey(first)}`);
const next = two.elect();
await one.stop();
const second = await next;
console.log(`broker 2 is controller, epoch ${second}`);
console.log(`it is obeyed: ${three.obey(second)}; the one before is not: ${!three.obey(first)}`);
await two.stop();
await three.stop();
