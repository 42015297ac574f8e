import { expect, it } from 'vitest';
import { mismatchesOf } from './ensemble-mismatches.ts';

const peer = 'QuorumPeer[myid=3](plain=127.0.0.1:24748)(secure=disabled)';
const learner = (text: string) => `23:44:53.091 [${peer}] INFO org.apache.zookeeper.server.quorum.Learner - ${text}`;
const follows = `23:44:53.020 [${peer}] INFO org.apache.zookeeper.server.quorum.QuorumPeer - FOLLOWING`;

function unsure(...lines: readonly string[]) {
	const lives = [{ kind: 'zookeeper' as const, log: lines.join('\n') }];
	return mismatchesOf({ id: 3, kinds: new Set(['zookeeper']), dataDir: '/nowhere', lives }).unsure;
}

it('doubts what ZooKeeper noted while it performed transactions behind a snapshot', () => {
	expect(
		unsure(
			follows,
			learner('Getting a snapshot from leader 0x200006c66'),
			learner('Got zxid 0x200006c67 expected 0x1'),
			learner('Learner received NEWLEADER message'),
			learner('Learner received UPTODATE message'),
			learner('Got zxid 0x200006cea expected 0x1'),
		),
	).toEqual([[0x200006c67n, 0x200006ce9n]]);
});

it('doubts them up to the next synchronization where the first one broke off', () => {
	expect(
		unsure(
			learner('Getting a snapshot from leader 0x200006c3d'),
			learner('Got zxid 0x200006bfc expected 0x1'),
			follows,
			learner('Getting a diff from the leader 0x200006dc8'),
			learner('Got zxid 0x200006c3e expected 0x1'),
			learner('Learner received UPTODATE message'),
		),
	).toEqual([[0x200006bfcn, 0x200006c3dn]]);
});

it('doubts nothing where nothing was sent behind the snapshot, or there was none', () => {
	const broadcast = [learner('Learner received UPTODATE message'), learner('Got zxid 0x200000001 expected 0x1')];
	expect(unsure(learner('Getting a snapshot from leader 0x100000009'), ...broadcast)).toEqual([]);
	expect(unsure(learner('Getting a diff from the leader 0x100000009'), ...broadcast)).toEqual([]);
});
