/** How much of the processor a background thread may take from the one that serves clients. */
import os from 'node:os';

/**
 * Gives way to the other threads of this process; called in the worker thread itself. On Linux a priority belongs to a thread;
 * elsewhere it is the whole process's, so nothing is changed there.
 */
export function lowerThreadPriority(): void {
	if (process.platform !== 'linux') return;
	os.setPriority(0, os.constants.priority.PRIORITY_BELOW_NORMAL);
}
