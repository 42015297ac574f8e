/** Kazoo's queues and counters, with contenders in processes of their own. */
import { describeKazoo } from '#test/support/kazoo';

describeKazoo('Kazoo: queues and counters', 'queues.py');
