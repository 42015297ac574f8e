import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes of array buffers that are in use, those of this process's other threads left out: what nobody holds any more is collected first. */
export function liveBufferBytes(): number {
	collect();
	return process.memoryUsage().arrayBuffers;
}
