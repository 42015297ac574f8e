import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.barriers.DistributedDoubleBarrier;
import org.apache.curator.framework.recipes.leader.LeaderLatch;
import org.apache.curator.framework.recipes.locks.InterProcessReadWriteLock;
import org.apache.curator.framework.recipes.locks.InterProcessSemaphoreV2;
import org.apache.curator.framework.recipes.locks.Lease;

/** Counts up under one of Curator's recipes, beside programs that are not Java: server, path, recipe, rounds. Nothing but the recipe keeps them apart. */
final class Sharer {
	private interface Work {
		void run() throws Exception;
	}

	private interface Guard {
		void around(Work work) throws Exception;
	}

	public static void main(String[] args) throws Exception {
		try (Site site = new Site(args[0], args[1])) {
			CuratorFramework client = site.curatorWithContainers();
			if (args[2].equals("barrier")) {
				DistributedDoubleBarrier barrier = new DistributedDoubleBarrier(client, site.at("shared"), 2);
				barrier.enter();
				Checks.say("inside");
				barrier.leave();
				Checks.say("left");
			} else {
				Guard guard = guard(client, args[2], site.at("shared"));
				Checks.say("shares");
				for (int i = 0; i < Integer.parseInt(args[3]); i++) guard.around(() -> increment(client, site.at("counter")));
				Checks.say("done");
			}
		}
		System.exit(0);
	}

	private static Guard guard(CuratorFramework client, String recipe, String path) {
		switch (recipe) {
			case "write":
				InterProcessReadWriteLock lock = new InterProcessReadWriteLock(client, path);
				return work -> {
					lock.writeLock().acquire();
					try {
						work.run();
					} finally {
						lock.writeLock().release();
					}
				};
			case "semaphore":
				InterProcessSemaphoreV2 semaphore = new InterProcessSemaphoreV2(client, path, 1);
				return work -> {
					Lease lease = semaphore.acquire();
					try {
						work.run();
					} finally {
						semaphore.returnLease(lease);
					}
				};
			case "latch":
				return work -> {
					LeaderLatch latch = new LeaderLatch(client, path, "curator");
					latch.start();
					try {
						Site.holds(latch.await(20, TimeUnit.SECONDS), "it leads");
						work.run();
					} finally {
						latch.close();
					}
				};
			default:
				throw new IllegalArgumentException(recipe);
		}
	}

	/** Reads and writes apart: two at the same time would lose one. */
	private static void increment(CuratorFramework client, String counter) throws Exception {
		String[] parts = Site.text(client.getData().forPath(counter)).split(":");
		client.setData().forPath(counter, Site.bytes((Integer.parseInt(parts[0]) + 1) + ":" + parts[1]));
	}
}
