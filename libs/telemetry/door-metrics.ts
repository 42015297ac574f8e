/** What is counted of the requests of one door, by operation. */
import { type Buckets, Histogram } from './histogram.ts';

export class OperationMetrics {
	/** Seconds from the door to the answer. */
	readonly duration: Histogram;
	/** Of those that failed, by ZooKeeper's name of the error. */
	readonly errors = new Map<string, number>();
	failed = 0;

	constructor(buckets: Buckets) {
		this.duration = new Histogram(buckets);
	}
}

export class DoorMetrics {
	/** `grpc`, `zookeeper`. */
	readonly door: string;
	readonly operations = new Map<string, OperationMetrics>();
	readonly #buckets: Buckets;

	constructor(door: string, buckets: Buckets) {
		this.door = door;
		this.#buckets = buckets;
	}

	/** A request was answered. @param error ZooKeeper's name of it, empty when there was none */
	request(op: string, durationMs: number, error: string): void {
		let operation = this.operations.get(op);
		if (operation === undefined) {
			operation = new OperationMetrics(this.#buckets);
			this.operations.set(op, operation);
		}
		operation.duration.record(durationMs / 1000);
		if (error === '') return;
		operation.failed += 1;
		operation.errors.set(error, (operation.errors.get(error) ?? 0) + 1);
	}
}
