/** Kazoo's barriers, parties, partitioner, with contenders in processes of their own. */
import { describeKazoo } from '#test/support/kazoo';

describeKazoo('Kazoo: barriers, parties, partitioner', 'groups.py');
