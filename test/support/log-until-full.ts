/** A process that appends to a log until the disk is full, and then prints what became durable and what failed. */
import type { Zxid } from '#core/model/zxid';
import { FileTxnLog } from '#storage/txn-log';
import { sampleRecord } from '../contract/txn-log.contract.ts';

const failures: string[] = [];
let durable = 0;
let next = 1;
const log = new FileTxnLog({ directory: process.argv[2]!, lastZxid: 0 as Zxid, preAllocSizeKiB: 64 });
log.listen({
	durable: (zxid) => {
		durable = zxid;
		more();
	},
	failed: (error) => {
		failures.push(error.message);
		process.stdout.write(JSON.stringify({ durable, failures }));
	},
});
more();

function more(): void {
	for (let i = 0; i < 5; i++) log.append([sampleRecord(next++, 500)]);
}
