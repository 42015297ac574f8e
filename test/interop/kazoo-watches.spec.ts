/** Kazoo's watches and caches. */
import { describeKazoo } from '#test/support/kazoo';

describeKazoo('Kazoo: watches and caches', 'watches.py');
