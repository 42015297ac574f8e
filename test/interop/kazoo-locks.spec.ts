/** Kazoo's locks, semaphore, election, leases, with contenders in processes of their own. */
import { describeKazoo } from '#test/support/kazoo';

describeKazoo('Kazoo: locks, semaphore, election, leases', 'locks.py');
