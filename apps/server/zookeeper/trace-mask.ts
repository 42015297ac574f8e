/**
 * ZooKeeper's mask of what its trace log has, a bit per kind. Kept for `gtmk` and `stmk` alone: what is traced here is decided by
 * `log.level` and `otel.sampleRatio`.
 */
export class TraceMask {
	/** ZooKeeper's default. A signed long. */
	value = 306n;
}
