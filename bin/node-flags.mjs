/**
 * How Node runs a replica; `npm start`, `ck server` and the benchmarks take it from here.
 *
 * A young generation of 16 MiB: large enough that the batches of a busy moment die in it, small enough that a scavenge takes 8 to 17 ms at full load. One
 * thread scavenges: with helpers it waits for them while the other processor writes a snapshot or rows (docs/benchmarks.md, million).
 */
export const nodeFlags = ['--max-semi-space-size=16', '--no-parallel-scavenge', '--enable-source-maps'];
