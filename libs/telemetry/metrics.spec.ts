import { describe, expect, it } from 'vitest';
import { createLogger } from './logger.ts';
import { startMetrics } from './metrics.ts';

describe('metrics', () => {
	it("are what Prometheus' text format says", async () => {
		const metrics = await startMetrics();
		metrics.grpc.request('create', 2, '');
		metrics.grpc.request('create', 3, 'NoNode');
		metrics.zookeeper.request('create', 20_000, '');
		metrics.queue('log', () => 5000);
		metrics.lookAtQueues();
		metrics.batch('sync', 40, 0.3);
		metrics.snapshot(700);
		let zxid = 2 ** 52 + 1;
		metrics.gauge('zxid', 'The last zxid applied.', () => zxid);
		metrics.gauge('mirror_lag_txns', 'Nothing to say.', () => undefined);
		zxid += 1;
		const text = await metrics.scrape();
		expect(text).toContain('chronokeeper_request_duration_seconds_count{op="create",door="grpc"} 2');
		expect(text).toContain('chronokeeper_request_duration_seconds_bucket{op="create",door="grpc",le="0.0025"} 1');
		expect(text).toContain('chronokeeper_request_errors_total{op="create",door="grpc",error="NoNode"} 1');
		expect(text).toContain('chronokeeper_request_duration_seconds_bucket{op="create",door="zookeeper",le="10"} 0');
		expect(text).toContain('chronokeeper_request_duration_seconds_bucket{op="create",door="zookeeper",le="+Inf"} 1');
		expect(text).toContain('chronokeeper_queue_depth_requests_sum{queue="log"} 5000');
		expect(text).toContain('chronokeeper_queue_requests{queue="log"} 5000');
		expect(text).toContain('# TYPE chronokeeper_request_duration_seconds histogram');
		expect(text).toContain('# TYPE chronokeeper_request_errors_total counter');
		expect(text).toContain('chronokeeper_stage_batch_requests_bucket{stage="sync",le="64"} 1');
		expect(text).toContain('chronokeeper_stage_duration_seconds_sum{stage="sync"} 0.0003');
		expect(text).toContain(`chronokeeper_zxid ${2 ** 52 + 2}`);
		expect(text).toContain('# TYPE chronokeeper_process_cpu_seconds_total counter');
		expect(text).toContain('chronokeeper_resident_memory_bytes ');
		expect(text).not.toMatch(/^chronokeeper_mirror_lag_txns /m);
	});
});

describe('the log', () => {
	function lines(format: 'json' | 'text'): string[] {
		const written: string[] = [];
		const logger = createLogger({ level: 'info', format, destination: { write: (line) => void written.push(line) } });
		logger.debug('not this');
		logger.warn({ zxid: '0x5' }, 'slow sync');
		logger.error({ err: new Error('disk full') }, 'the log failed');
		return written;
	}

	it('is one JSON object per line', () => {
		const [warning, failure] = lines('json').map((line) => JSON.parse(line));
		expect(warning).toMatchObject({ level: 'warn', zxid: '0x5', msg: 'slow sync' });
		expect(failure.err.message).toBe('disk full');
		expect(Date.parse(failure.time)).toBeGreaterThan(0);
	});

	it('or readable', () => {
		const [warning, failure] = lines('text');
		expect(warning).toMatch(/^\d\d:\d\d:\d\d\.\d{3} warn {2}slow sync \(zxid=0x5\)\n$/);
		expect(failure).toMatch(/error the log failed\n {4}Error: disk full\n/);
	});
});
