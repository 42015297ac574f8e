import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.locks.InterProcessLock;
import org.apache.curator.framework.recipes.locks.InterProcessMultiLock;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.framework.recipes.locks.InterProcessReadWriteLock;
import org.apache.curator.framework.recipes.locks.InterProcessSemaphoreMutex;
import org.apache.curator.framework.recipes.locks.InterProcessSemaphoreV2;
import org.apache.curator.framework.recipes.locks.Lease;
import org.apache.curator.framework.recipes.locks.Revoker;
import org.apache.curator.framework.recipes.shared.SharedCount;
import org.apache.zookeeper.KeeperException;

final class CuratorLocks {
	/** A mutex whose lock node tells how late it came: of two holders the later one has the higher czxid. */
	static final class Fenced extends InterProcessMutex {
		private final CuratorFramework client;

		Fenced(CuratorFramework client, String path) {
			super(client, path);
			this.client = client;
		}

		long fence() throws Exception {
			return client.checkExists().forPath(getLockPath()).getCzxid();
		}
	}

	/** Counts up under the lock; data is the count and the last holder's fence. Nothing but the lock keeps two writers apart. */
	static void increment(CuratorFramework client, Fenced mutex, String counter) throws Exception {
		mutex.acquire();
		try {
			String[] parts = Site.text(client.getData().forPath(counter)).split(":");
			long fence = mutex.fence();
			Site.holds(fence > Long.parseLong(parts[1]), "holders come in the order of their lock nodes");
			client.setData().forPath(counter, Site.bytes((Long.parseLong(parts[0]) + 1) + ":" + fence));
		} finally {
			mutex.release();
		}
	}

	@Check("InterProcessMutex keeps eight clients apart: of 8 × 20 increments none is lost, holders come in the order of their lock nodes")
	static String mutex(Site site) throws Exception {
		String counter = site.at("counter");
		CuratorFramework first = site.curatorWithContainers();
		first.create().creatingParentsIfNeeded().forPath(counter, Site.bytes("0:0"));
		Site.together(8, () -> {
			CuratorFramework client = site.curatorWithContainers();
			Fenced mutex = new Fenced(client, site.at("lock"));
			for (int i = 0; i < 20; i++) increment(client, mutex, counter);
			return null;
		});
		String count = Site.text(first.getData().forPath(counter)).split(":")[0];
		Site.same("160", count, "the counter");
		try {
			Site.same(List.of(), first.getChildren().forPath(site.at("lock")), "lock nodes left");
		} catch (KeeperException.NoNodeException takenAway) {
			// Their parent is a container, which the server takes away.
		}
		return count + " increments";
	}

	@Check("InterProcessMutex is re-entrant, gives up after its time, and is released by its holder only")
	static String reentrant(Site site) throws Exception {
		CuratorFramework client = site.curatorWithContainers();
		InterProcessMutex mine = new InterProcessMutex(client, site.at("lock"));
		InterProcessMutex theirs = new InterProcessMutex(site.curatorWithContainers(), site.at("lock"));
		mine.acquire();
		mine.acquire();
		Site.holds(!theirs.acquire(300, TimeUnit.MILLISECONDS), "another gives up");
		Site.fails(IllegalMonitorStateException.class, theirs::release);
		Site.same(1, client.getChildren().forPath(site.at("lock")).size(), "who gave up leaves no node");
		mine.release();
		Site.holds(!theirs.acquire(300, TimeUnit.MILLISECONDS), "one release of two does not free it");
		mine.release();
		Site.holds(theirs.acquire(10, TimeUnit.SECONDS), "two do");
		theirs.release();
		return "two holders in turn";
	}

	@Check("InterProcessMutex passes on when the holder's session is ended behind its back")
	static String holderDies(Site site) throws Exception {
		CuratorFramework holder = site.curatorWithContainers();
		new InterProcessMutex(holder, site.at("lock")).acquire();
		InterProcessMutex waiting = new InterProcessMutex(site.curatorWithContainers(), site.at("lock"));
		CountDownLatch got = new CountDownLatch(1);
		Thread waiter = new Thread(() -> {
			try {
				waiting.acquire();
				got.countDown();
			} catch (Exception stillWaiting) {
				// The check fails for it did not get the lock.
			}
		});
		waiter.start();
		Site.until("two lock nodes", () -> holder.getChildren().forPath(site.at("lock")).size() == 2);
		Site.same(1L, got.getCount(), "the holder holds");
		site.killSession(holder);
		Site.holds(got.await(10, TimeUnit.SECONDS), "the next gets the lock");
		return "passed on";
	}

	@Check("InterProcessMutex: a holder that allows it is asked to give way (Revoker)")
	static String revoked(Site site) throws Exception {
		CuratorFramework client = site.curatorWithContainers();
		InterProcessMutex mutex = new InterProcessMutex(client, site.at("lock"));
		CountDownLatch asked = new CountDownLatch(1);
		mutex.makeRevocable(lock -> asked.countDown());
		mutex.acquire();
		CuratorFramework other = site.curatorWithContainers();
		Revoker.attemptRevoke(other, new ArrayList<>(mutex.getParticipantNodes()).get(0));
		Site.holds(asked.await(10, TimeUnit.SECONDS), "the holder hears of it");
		mutex.release();
		InterProcessMutex next = new InterProcessMutex(other, site.at("lock"));
		Site.holds(next.acquire(10, TimeUnit.SECONDS), "the asker gets it");
		return "asked and given";
	}

	@Check("InterProcessReadWriteLock: readers together, a writer alone, and a writer may become a reader")
	static String readWrite(Site site) throws Exception {
		AtomicInteger readers = new AtomicInteger();
		AtomicInteger most = new AtomicInteger();
		AtomicBoolean writing = new AtomicBoolean();
		AtomicInteger wrong = new AtomicInteger();
		List<Callable<Object>> work = new ArrayList<>();
		CountDownLatch allRead = new CountDownLatch(4);
		for (int i = 0; i < 4; i++) {
			work.add(() -> {
				InterProcessReadWriteLock lock = new InterProcessReadWriteLock(site.curatorWithContainers(), site.at("lock"));
				for (int round = 0; round < 6; round++) {
					lock.readLock().acquire();
					most.accumulateAndGet(readers.incrementAndGet(), Math::max);
					if (writing.get()) wrong.incrementAndGet();
					if (round == 0) {
						// All hold it at once, or this never ends.
						allRead.countDown();
						Site.holds(allRead.await(20, TimeUnit.SECONDS), "four readers hold it together");
					}
					readers.decrementAndGet();
					lock.readLock().release();
				}
				return null;
			});
		}
		for (int i = 0; i < 2; i++) {
			work.add(() -> {
				InterProcessReadWriteLock lock = new InterProcessReadWriteLock(site.curatorWithContainers(), site.at("lock"));
				Site.holds(allRead.await(20, TimeUnit.SECONDS), "the readers have begun");
				for (int round = 0; round < 6; round++) {
					lock.writeLock().acquire();
					if (readers.get() > 0 || !writing.compareAndSet(false, true)) wrong.incrementAndGet();
					writing.set(false);
					lock.readLock().acquire();
					lock.writeLock().release();
					lock.readLock().release();
				}
				return null;
			});
		}
		Site.together(work);
		Site.same(0, wrong.get(), "readers beside a writer, or two writers");
		Site.same(4, most.get(), "readers at once");
		return "4 readers together, 12 writers alone";
	}

	@Check("InterProcessSemaphoreV2 gives no more leases than there are, and as many again when SharedCount raises them")
	static String semaphore(Site site) throws Exception {
		AtomicInteger held = new AtomicInteger();
		AtomicInteger most = new AtomicInteger();
		CountDownLatch three = new CountDownLatch(3);
		Site.together(6, () -> {
			InterProcessSemaphoreV2 semaphore = new InterProcessSemaphoreV2(site.curator(), site.at("fixed"), 3);
			for (int i = 0; i < 5; i++) {
				Lease lease = semaphore.acquire();
				most.accumulateAndGet(held.incrementAndGet(), Math::max);
				// Three hold one at once, or this never ends.
				three.countDown();
				Site.holds(three.await(20, TimeUnit.SECONDS), "three leases are held together");
				held.decrementAndGet();
				semaphore.returnLease(lease);
			}
			return null;
		});
		Site.same(3, most.get(), "leases at once");

		CuratorFramework client = site.curator();
		SharedCount leases = site.keep(new SharedCount(client, site.at("leases"), 2));
		leases.start();
		InterProcessSemaphoreV2 growing = new InterProcessSemaphoreV2(client, site.at("growing"), leases);
		Site.same(2, growing.acquire(2, 10, TimeUnit.SECONDS).size(), "two leases");
		Site.same(null, growing.acquire(200, TimeUnit.MILLISECONDS), "a third");
		leases.setCount(3);
		Lease third = growing.acquire(10, TimeUnit.SECONDS);
		Site.holds(third != null, "the third, once there are three");
		Site.same(3, growing.getParticipantNodes().size(), "participants");
		return "30 leases, 3 at once";
	}

	@Check("InterProcessSemaphoreMutex excludes others, and is not re-entrant")
	static String semaphoreMutex(Site site) throws Exception {
		CuratorFramework client = site.curator();
		InterProcessSemaphoreMutex one = new InterProcessSemaphoreMutex(client, site.at("lock"));
		InterProcessSemaphoreMutex two = new InterProcessSemaphoreMutex(client, site.at("lock"));
		one.acquire();
		Site.holds(!two.acquire(200, TimeUnit.MILLISECONDS), "another waits");
		one.release();
		Site.holds(two.acquire(10, TimeUnit.SECONDS), "and gets it");
		two.release();
		return "in turn";
	}

	@Check("InterProcessMultiLock takes all its locks or none")
	static String multiLock(Site site) throws Exception {
		CuratorFramework client = site.curator();
		CuratorFramework other = site.curator();
		InterProcessLock second = new InterProcessMutex(other, site.at("b"));
		InterProcessMultiLock both = new InterProcessMultiLock(client, List.of(site.at("a"), site.at("b")));
		second.acquire();
		Site.holds(!both.acquire(300, TimeUnit.MILLISECONDS), "not while one of them is held");
		InterProcessMutex first = new InterProcessMutex(other, site.at("a"));
		Site.holds(first.acquire(10, TimeUnit.SECONDS), "and it has let go of the other");
		first.release();
		second.release();
		both.acquire();
		Site.holds(!first.acquire(200, TimeUnit.MILLISECONDS) && !second.acquire(200, TimeUnit.MILLISECONDS), "both are held");
		both.release();
		Site.holds(first.acquire(10, TimeUnit.SECONDS) && second.acquire(10, TimeUnit.SECONDS), "both are free");
		return "both or none";
	}
}
