/** Kazoo's client API, call by call. */
import { describeKazoo } from '#test/support/kazoo';

describeKazoo('Kazoo: the client API', 'znodes.py');
