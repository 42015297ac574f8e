import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.recipes.leader.LeaderElectionSupport;
import org.apache.zookeeper.recipes.lock.LockListener;
import org.apache.zookeeper.recipes.lock.WriteLock;
import org.apache.zookeeper.recipes.queue.DistributedQueue;

/** The recipes that come with ZooKeeper. */
final class ZooKeeperRecipes {
	@Check("ZooKeeper's WriteLock: four ask, each gets it in its turn, never two at once")
	static String writeLock(Site site) throws Exception {
		AtomicInteger holders = new AtomicInteger();
		AtomicInteger wrong = new AtomicInteger();
		CountDownLatch turns = new CountDownLatch(4);
		List<WriteLock> locks = new ArrayList<>();
		site.zooKeeper().create(site.root, null, ClientOperations.OPEN, CreateMode.PERSISTENT);
		for (int i = 0; i < 4; i++) {
			WriteLock lock = new WriteLock(site.zooKeeper(), site.root, ClientOperations.OPEN);
			lock.setLockListener(new LockListener() {
				@Override
				public void lockAcquired() {
					if (holders.incrementAndGet() > 1) wrong.incrementAndGet();
					turns.countDown();
				}

				@Override
				public void lockReleased() {}
			});
			locks.add(lock);
			lock.lock();
		}
		for (int turn = 0; turn < 4; turn++) {
			Site.until("one holds it", () -> locks.stream().anyMatch(WriteLock::isOwner));
			WriteLock owner = locks.stream().filter(WriteLock::isOwner).findFirst().orElseThrow();
			holders.decrementAndGet();
			locks.remove(owner);
			owner.unlock();
		}
		Site.holds(turns.await(20, TimeUnit.SECONDS), "four turns");
		Site.same(0, wrong.get(), "two holders at once");
		return "4 turns";
	}

	@Check("ZooKeeper's DistributedQueue: four takers get each item once")
	static String queue(Site site) throws Exception {
		DistributedQueue queue = new DistributedQueue(site.zooKeeper(), site.root, ClientOperations.OPEN);
		for (int i = 0; i < 40; i++) queue.offer(Site.bytes("item" + i));
		Site.same("item0", Site.text(queue.peek()), "the first");
		Set<String> taken = ConcurrentHashMap.newKeySet();
		Site.together(4, () -> {
			DistributedQueue mine = new DistributedQueue(site.zooKeeper(), site.root, ClientOperations.OPEN);
			for (int i = 0; i < 10; i++) Site.holds(taken.add(Site.text(mine.take())), "no item twice");
			return null;
		});
		Site.same(40, taken.size(), "items");
		Site.same(null, queue.poll(), "an empty queue");
		return "40 items";
	}

	@Check("ZooKeeper's LeaderElectionSupport: the first offer leads, and the next when it stops")
	static String election(Site site) throws Exception {
		ZooKeeper observer = site.zooKeeper();
		observer.create(site.root, null, ClientOperations.OPEN, CreateMode.PERSISTENT);
		List<LeaderElectionSupport> candidates = new ArrayList<>();
		for (int i = 0; i < 3; i++) {
			LeaderElectionSupport candidate = new LeaderElectionSupport();
			candidate.setZooKeeper(site.zooKeeper());
			candidate.setRootNodeName(site.root);
			candidate.setHostName("host" + i);
			candidate.start();
			candidates.add(candidate);
		}
		for (int i = 0; i < 2; i++) {
			String expected = "host" + i;
			LeaderElectionSupport last = candidates.get(2);
			Site.until(expected + " leads", () -> expected.equals(last.getLeaderHostName()));
			candidates.get(i).stop();
		}
		Site.until("host2 leads", () -> "host2".equals(candidates.get(2).getLeaderHostName()));
		candidates.get(2).stop();
		return "host0, host1, host2";
	}
}
