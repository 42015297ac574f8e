import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.retry.RetryNTimes;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.WatchedEvent;
import org.apache.zookeeper.Watcher;
import org.apache.zookeeper.Watcher.Event.KeeperState;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.client.ZKClientConfig;

/** Where one check works: its own part of the tree, and clients that are closed with it. */
final class Site implements AutoCloseable {
	static final int SESSION_MS = 10_000;
	private static final int PATIENCE_S = 30;

	final String connect;
	/** Nobody else touches it. The node itself is not there yet. */
	final String root;
	private final List<AutoCloseable> open = new ArrayList<>();

	Site(String connect, String root) {
		this.connect = connect;
		this.root = root;
	}

	CuratorFramework curator() throws Exception {
		return start(builder().build());
	}

	/** As Curator is without being asked: the parents that recipes make are containers. */
	CuratorFramework curatorWithContainers() throws Exception {
		return start(connecting().build());
	}

	/**
	 * Recipes make plain parents. With containers, which the server of these checks looks through all the time, most recipes fail for good when one is
	 * taken away between their look at it and their create in it; locks and leaders try again.
	 */
	CuratorFrameworkFactory.Builder builder() {
		return connecting().dontUseContainerParents();
	}

	private CuratorFrameworkFactory.Builder connecting() {
		return CuratorFrameworkFactory.builder()
			.connectString(connect)
			.sessionTimeoutMs(SESSION_MS)
			.connectionTimeoutMs(10_000)
			.maxCloseWaitMs(100)
			.retryPolicy(new RetryNTimes(20, 250));
	}

	CuratorFramework start(CuratorFramework client) throws Exception {
		keep(client).start();
		holds(client.blockUntilConnected(PATIENCE_S, TimeUnit.SECONDS), "a Curator client connects");
		return client;
	}

	ZooKeeper zooKeeper() throws Exception {
		return zooKeeper(connect, event -> {});
	}

	ZooKeeper zooKeeper(String address, Watcher watcher) throws Exception {
		return zooKeeper(address, watcher, new ZKClientConfig());
	}

	/** Connected when it returns. */
	ZooKeeper zooKeeper(String address, Watcher watcher, ZKClientConfig config) throws Exception {
		CountDownLatch connected = new CountDownLatch(1);
		ZooKeeper client = keep(new ZooKeeper(address, SESSION_MS, event -> {
			if (isConnected(event)) connected.countDown();
			watcher.process(event);
		}, config));
		holds(connected.await(PATIENCE_S, TimeUnit.SECONDS), "a ZooKeeper client connects");
		return client;
	}

	/** A second object for the session of another. */
	ZooKeeper attach(ZooKeeper other, Watcher watcher) throws Exception {
		CountDownLatch connected = new CountDownLatch(1);
		ZooKeeper client = keep(new ZooKeeper(connect, SESSION_MS, event -> {
			if (isConnected(event)) connected.countDown();
			watcher.process(event);
		}, other.getSessionId(), other.getSessionPasswd()));
		holds(connected.await(PATIENCE_S, TimeUnit.SECONDS), "a client attaches to a session");
		return client;
	}

	/** Ends a client's session behind its back: another object attaches to it and closes it. */
	void killSession(CuratorFramework client) throws Exception {
		killSession(client.getZookeeperClient().getZooKeeper());
	}

	void killSession(ZooKeeper client) throws Exception {
		long session = client.getSessionId();
		byte[] password = client.getSessionPasswd();
		// The client may take its session back before the close arrives: it is over when the server says so.
		until("the session is over", () -> {
			CompletableFuture<KeeperState> state = new CompletableFuture<>();
			try (ZooKeeper other = new ZooKeeper(connect, SESSION_MS, event -> state.complete(event.getState()), session, password)) {
				return state.get(PATIENCE_S, TimeUnit.SECONDS) == KeeperState.Expired;
			}
		});
	}

	<T extends AutoCloseable> T keep(T one) {
		synchronized (open) {
			open.add(one);
		}
		return one;
	}

	String at(String name) {
		return root + "/" + name;
	}

	/** The youngest first: recipes before their clients. */
	@Override
	public void close() {
		synchronized (open) {
			for (int index = open.size() - 1; index >= 0; index--) {
				try {
					open.get(index).close();
				} catch (Exception alreadyClosed) {
					// Many are closed by the check itself.
				}
			}
		}
	}

	/** Runs it on so many threads at once. @throws what the first of them threw */
	static <T> List<T> together(int threads, Callable<T> work) throws Exception {
		List<Callable<T>> all = new ArrayList<>();
		for (int i = 0; i < threads; i++) all.add(work);
		return together(all);
	}

	static <T> List<T> together(Collection<Callable<T>> work) throws Exception {
		ExecutorService lanes = Executors.newFixedThreadPool(work.size());
		try {
			List<T> results = new ArrayList<>();
			for (Future<T> future : lanes.invokeAll(work)) results.add(future.get());
			return results;
		} finally {
			lanes.shutdownNow();
		}
	}

	static void until(String what, Callable<Boolean> condition) throws Exception {
		until(what, condition, () -> "");
	}

	/** @param seen what there is instead, for the message when the time is up */
	static void until(String what, Callable<Boolean> condition, Callable<?> seen) throws Exception {
		long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_S);
		while (!condition.call()) {
			if (System.nanoTime() > deadline) throw new AssertionError("not within " + PATIENCE_S + " s: " + what + " " + seen.call());
			Thread.sleep(10);
		}
	}

	/** Asks again while the connection is being made anew: the client's state says CONNECTED for a moment after it was lost. */
	static <T> T reconnected(Callable<T> read) throws Exception {
		AtomicReference<T> result = new AtomicReference<>();
		until("connected again", () -> {
			try {
				result.set(read.call());
				return true;
			} catch (KeeperException.ConnectionLossException soon) {
				return false;
			}
		});
		return result.get();
	}

	static void same(Object expected, Object actual, String what) {
		if (!Objects.equals(expected, actual)) throw new AssertionError(what + ": expected " + expected + ", was " + actual);
	}

	static void holds(boolean condition, String what) {
		if (!condition) throw new AssertionError("does not hold: " + what);
	}

	interface Attempt {
		void run() throws Exception;
	}

	/** @return what it threw */
	static <E extends Exception> E fails(Class<E> kind, Attempt attempt) throws Exception {
		try {
			attempt.run();
		} catch (Exception error) {
			if (kind.isInstance(error)) return kind.cast(error);
			throw error;
		}
		throw new AssertionError("no " + kind.getSimpleName());
	}

	static byte[] bytes(String text) {
		return text.getBytes(StandardCharsets.UTF_8);
	}

	static String text(byte[] data) {
		return data == null ? null : new String(data, StandardCharsets.UTF_8);
	}

	private static boolean isConnected(WatchedEvent event) {
		return event.getType() == Watcher.Event.EventType.None && event.getState() == KeeperState.SyncConnected;
	}
}
