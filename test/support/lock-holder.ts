/** A process that holds a data directory until it is killed: says so on its output. */
import { DataDirectory } from '#storage/data-directory';
import { DirectoryLock } from '#storage/directory-lock';

const lock = DirectoryLock.acquire(new DataDirectory(process.argv[2]!));
process.stdout.write('locked\n');
process.on('exit', () => lock.release());
setInterval(() => undefined, 60_000);
