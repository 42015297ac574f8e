/**
 * How Node runs a replica; `npm start`, `ck server` and the benchmarks take it from here.
 *
 * A young generation of 32 MiB: large enough that what a busy moment has in flight dies in it; with 16 MiB a leader promoted 40 MB of that a second. One
 * thread scavenges: with helpers it waits for them while the other processor writes a snapshot or rows (docs/benchmarks.md, million).
 */
export const nodeFlags = ['--max-semi-space-size=32', '--no-parallel-scavenge', '--enable-source-maps'];
