import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.cache.CuratorCache;
import org.apache.curator.framework.recipes.leader.LeaderLatch;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.framework.recipes.nodes.GroupMember;
import org.apache.curator.framework.recipes.nodes.PersistentNode;
import org.apache.curator.framework.recipes.queue.DistributedQueue;
import org.apache.curator.framework.recipes.queue.QueueBuilder;
import org.apache.curator.framework.state.ConnectionState;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.ZooDefs;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.data.Stat;

/**
 * A mix of recipes that goes on while the server is ended and started again: server, number of restarts. It prints "running", after each restart
 * "reconnected", and at the end what has become of everything.
 */
final class Restart {
	private static Site site;
	private static volatile boolean ending;
	private static final Map<String, List<ConnectionState>> states = new TreeMap<>();
	private static final Map<CuratorFramework, Long> sessions = new ConcurrentHashMap<>();

	private static CuratorFramework holder;
	private static InterProcessMutex held;
	/** A mutex belongs to the thread that acquired it. */
	private static final ExecutorService holding = Executors.newSingleThreadExecutor();
	private static String heldNode;
	private static CuratorFramework reader;
	private static final CountDownLatch rivalGotIt = new CountDownLatch(1);
	private static volatile boolean heldIsFree;
	private static volatile boolean rivalCameEarly;
	private static final Map<String, Stat> nodes = new ConcurrentHashMap<>();
	private static final AtomicInteger incremented = new AtomicInteger();
	private static final AtomicInteger perhaps = new AtomicInteger();
	/** They end with `ending`. */
	private static final List<Thread> threads = new ArrayList<>();
	private static final List<String> broken = new CopyOnWriteArrayList<>();
	private static PersistentNode persistentNode;
	private static long persistentCzxid;
	private static final List<GroupMember> members = new ArrayList<>();
	private static final List<LeaderLatch> latches = new ArrayList<>();
	private static CuratorCache cache;
	private static CuratorFramework queueing;
	private static DistributedQueue<String> queue;
	private static final Set<String> put = ConcurrentHashMap.newKeySet();
	private static final Set<String> eaten = ConcurrentHashMap.newKeySet();
	private static final Pattern ITEM = Pattern.compile("item\\d+|one more");
	private static final AtomicInteger watched = new AtomicInteger();
	private static CuratorFramework owner;
	private static ZooKeeper plain;
	private static long plainSession;

	public static void main(String[] args) throws Exception {
		site = new Site(args[0], "/restart");
		prepare();
		Checks.say("running");
		for (int restart = 1; restart <= Integer.parseInt(args[1]); restart++) {
			int times = restart;
			for (String name : states.keySet()) {
				Site.until(name + " is reconnected", () -> CuratorSessions.count(states.get(name), ConnectionState.RECONNECTED) == times, () -> states.get(name));
			}
			int before = incremented.get();
			Site.until("work goes on", () -> incremented.get() > before + 4, () -> "incremented " + (incremented.get() - before) + ", broken off " + broken);
			Checks.say("reconnected " + restart);
		}
		ending = true;
		for (Thread thread : threads) thread.join(20_000);
		Checks.run(args[0], Restart.class);
		site.close();
		System.exit(0);
	}

	private static CuratorFramework client(String name) throws Exception {
		CuratorFramework client = site.builder().build();
		states.put(name, CuratorSessions.states(client));
		site.start(client);
		sessions.put(client, client.getZookeeperClient().getZooKeeper().getSessionId());
		return client;
	}

	private static void prepare() throws Exception {
		reader = client("reader");
		reader.create().forPath(site.root);

		holder = client("holder");
		held = new InterProcessMutex(holder, site.at("held"));
		holding.submit(() -> {
			held.acquire();
			return null;
		}).get();
		heldNode = new ArrayList<>(held.getParticipantNodes()).get(0);
		CuratorFramework rivalClient = client("rival");
		InterProcessMutex rival = new InterProcessMutex(rivalClient, site.at("held"));
		work(() -> {
			if (!rival.acquire(100, TimeUnit.MILLISECONDS)) return;
			if (!heldIsFree) rivalCameEarly = true;
			rivalGotIt.countDown();
			rival.release();
		}, () -> rivalGotIt.getCount() == 0);

		plain = site.zooKeeper();
		plainSession = plain.getSessionId();
		plain.create(site.at("plain"), null, ClientOperations.OPEN, CreateMode.EPHEMERAL);
		plain.getData(site.at("plain"), event -> {
			if (event.getPath() != null) watched.incrementAndGet();
		}, null);
		for (int i = 0; i < 200; i++) {
			Stat stat = new Stat();
			CreateMode mode = i % 2 == 0 ? CreateMode.EPHEMERAL : CreateMode.PERSISTENT;
			nodes.put(holder.create().storingStatIn(stat).withMode(mode).forPath(site.at("node" + i), Site.bytes("data" + i)), stat);
		}

		reader.create().forPath(site.at("counter"), Site.bytes("0"));
		for (int i = 0; i < 3; i++) {
			CuratorFramework counting = client("counting" + i);
			InterProcessMutex mutex = new InterProcessMutex(counting, site.at("counting"));
			threads.add(work(() -> increment(counting, mutex), () -> ending));
		}

		persistentNode = site.keep(new PersistentNode(holder, CreateMode.EPHEMERAL, false, site.at("persistent"), Site.bytes("data")));
		persistentNode.start();
		Site.holds(persistentNode.waitForInitialCreate(20, TimeUnit.SECONDS), "the persistent node is there");
		persistentCzxid = reader.checkExists().forPath(site.at("persistent")).getCzxid();
		for (int i = 0; i < 2; i++) {
			CuratorFramework member = client("member" + i);
			members.add(site.keep(new GroupMember(member, site.at("group"), "m" + i)));
			members.get(i).start();
			latches.add(site.keep(new LeaderLatch(member, site.at("latch"), "l" + i)));
			latches.get(i).start();
		}
		Site.until("one leads", () -> latches.stream().anyMatch(LeaderLatch::hasLeadership));
		reader.create().forPath(site.at("cached"));
		cache = site.keep(CuratorCache.build(client("cache"), site.at("cached")));
		cache.start();
		queueing = client("queue");
		queue = consume(queueing);
		AtomicInteger item = new AtomicInteger();
		CuratorFramework writer = client("writer");
		threads.add(work(() -> {
			String name = "item" + item.incrementAndGet();
			queue.put(name);
			put.add(name);
			writer.create().orSetData().forPath(site.at("cached/n" + item.get() % 20), Site.bytes(name));
			Thread.sleep(10);
		}, () -> ending));
		owner = site.builder().authorization("digest", Site.bytes("anna:secret")).build();
		states.put("owner", CuratorSessions.states(owner));
		site.start(owner);
		owner.create().withACL(ZooDefs.Ids.CREATOR_ALL_ACL).forPath(site.at("secret"), Site.bytes("before"));
	}

	private static DistributedQueue<String> consume(CuratorFramework client) throws Exception {
		DistributedQueue<String> consumer = site.keep(
			QueueBuilder.builder(client, CuratorQueues.consumer(eaten::add), CuratorQueues.TEXTS, site.at("queue")).lockPath(site.at("queue-locks")).buildQueue()
		);
		consumer.start();
		return consumer;
	}

	/** Again and again until the end, whatever becomes of the connection in between. */
	private static Thread work(Site.Attempt once, Callable<Boolean> enough) {
		Thread thread = new Thread(() -> {
			try {
				while (!enough.call()) {
					try {
						once.run();
					} catch (KeeperException.ConnectionLossException | KeeperException.OperationTimeoutException goesOn) {
						// The server is away.
					}
				}
			} catch (Exception error) {
				broken.add(error.toString());
			}
		});
		thread.setDaemon(true);
		thread.start();
		return thread;
	}

	private static void increment(CuratorFramework client, InterProcessMutex mutex) throws Exception {
		mutex.acquire();
		try {
			int count = Integer.parseInt(Site.text(client.getData().forPath(site.at("counter"))));
			try {
				client.setData().forPath(site.at("counter"), Site.bytes("" + (count + 1)));
				incremented.incrementAndGet();
			} catch (Exception nobodyKnows) {
				perhaps.incrementAndGet();
				throw nobodyKnows;
			}
		} finally {
			mutex.release();
		}
	}

	@Check("a restart: every client was SUSPENDED and RECONNECTED, none LOST, each has its session")
	static String states(Site unused) throws Exception {
		for (Map.Entry<String, List<ConnectionState>> entry : states.entrySet()) {
			List<ConnectionState> seen = entry.getValue();
			Site.holds(!seen.contains(ConnectionState.LOST), entry.getKey() + " is not LOST: " + seen);
			Site.same(CuratorSessions.count(seen, ConnectionState.SUSPENDED), CuratorSessions.count(seen, ConnectionState.RECONNECTED), entry.getKey() + "'s SUSPENDED and RECONNECTED");
		}
		for (Map.Entry<CuratorFramework, Long> entry : sessions.entrySet()) {
			Site.same(entry.getValue(), entry.getKey().getZookeeperClient().getZooKeeper().getSessionId(), "the session");
		}
		Site.same(List.of(), broken, "work that broke off");
		Site.until("connected", () -> plain.getState() == ZooKeeper.States.CONNECTED);
		Site.same(plainSession, plain.getSessionId(), "the session of the plain client");
		return states.size() + " clients, " + states.get("holder");
	}

	@Check("a restart: no node, ephemeral or not, is lost or changed: data, owner and every Stat field")
	static String nodes(Site unused) throws Exception {
		for (Map.Entry<String, Stat> entry : nodes.entrySet()) {
			Stat stat = new Stat();
			String data = Site.text(reader.getData().storingStatIn(stat).forPath(entry.getKey()));
			Site.same(entry.getKey().replaceAll(".*node", "data"), data, entry.getKey());
			Site.same(entry.getValue(), stat, entry.getKey());
		}
		Site.same(persistentCzxid, reader.checkExists().forPath(site.at("persistent")).getCzxid(), "the PersistentNode");
		return nodes.size() + " nodes";
	}

	@Check("a restart: a lock that is held stays held, by the same node, and the rival gets it when it is released")
	static String lock(Site unused) throws Exception {
		Site.holds(!rivalCameEarly, "the rival had it while it was held");
		Site.same(heldNode, new ArrayList<>(held.getParticipantNodes()).get(0), "the first in line");
		heldIsFree = true;
		holding.submit(() -> {
			held.release();
			return null;
		}).get();
		Site.holds(rivalGotIt.await(20, TimeUnit.SECONDS), "the rival gets it");
		return "held throughout";
	}

	@Check("a restart: of the increments under a lock none is lost that was acknowledged")
	static String increments(Site unused) throws Exception {
		int count = Integer.parseInt(Site.text(reader.getData().forPath(site.at("counter"))));
		Site.holds(count >= incremented.get() && count <= incremented.get() + perhaps.get(), incremented + " acknowledged, " + perhaps + " unknown, counted " + count);
		return count + " counted, " + incremented + " acknowledged, " + perhaps + " unknown";
	}

	@Check("a restart: group members are both there, and one leads")
	static String members(Site unused) throws Exception {
		Site.until("two members", () -> members.stream().allMatch(member -> member.getCurrentMembers().size() == 2));
		Site.until("one leads", () -> latches.stream().filter(LeaderLatch::hasLeadership).count() == 1);
		return "2 members, 1 leader";
	}

	@Check("a restart: CuratorCache, its watch set again, holds what the tree holds")
	static String cache(Site unused) throws Exception {
		reader.create().orSetData().forPath(site.at("cached/last"), Site.bytes("last"));
		Map<String, String> tree = CuratorCaches.tree(reader, site.at("cached"));
		Site.until("the cache holds the tree " + tree, () -> CuratorCaches.contents(cache).equals(tree), () -> CuratorCaches.contents(cache));
		return tree.size() + " nodes";
	}

	/**
	 * DistributedQueue locks an item by a plain ephemeral node. When the connection ends after the server has made that node and before it has said so, Curator asks
	 * again, hears that the node exists, takes it for another consumer's, and leaves the item alone for as long as its own session lasts. It does so with every server, at most once each time that a
	 * connection is lost. Such an item is the next consumer's when the session has ended; all others are eaten before.
	 */
	@Check("a restart: every item whose put was acknowledged is eaten")
	static String queue(Site unused) throws Exception {
		Site.holds(queue.flushPuts(20, TimeUnit.SECONDS), "all is put");
		long lost = CuratorSessions.count(states.get("queue"), ConnectionState.SUSPENDED);
		long session = queueing.getZookeeperClient().getZooKeeper().getSessionId();
		Site.same(sessions.remove(queueing), session, "the session of the consumer");
		String own = lockedBy(session);
		Site.until("all is eaten but what is behind locks of the consumer's own (" + own + "), at most " + lost, () -> {
			Map<String, String> items = left();
			return items.size() <= lost && items.values().stream().allMatch(own::equals);
		}, Restart::left);
		int behindLocks = left().size();
		queue.close();
		queueing.close();

		DistributedQueue<String> next = consume(client("next consumer"));
		next.put("one more");
		put.add("one more");
		Site.until("all is eaten by the next consumer", () -> eaten.containsAll(put), Restart::left);
		return put.size() + " items, " + behindLocks + " by the next consumer";
	}

	/** The items that were put and are not eaten: whether they are still there, and whose lock is on them. */
	private static Map<String, String> left() throws Exception {
		Map<String, String> left = new TreeMap<>();
		for (String item : put) if (!eaten.contains(item)) left.put(item, "not in the tree");
		if (left.isEmpty()) return left;
		for (String node : reader.getChildren().forPath(site.at("queue"))) {
			try {
				// Curator has a few bytes around the text.
				Matcher item = ITEM.matcher(Site.text(reader.getData().forPath(site.at("queue/" + node))));
				Stat lock = reader.checkExists().forPath(site.at("queue-locks/" + node));
				if (item.find()) left.replace(item.group(), lock == null ? "without a lock" : lockedBy(lock.getEphemeralOwner()));
			} catch (KeeperException.NoNodeException eatenMeanwhile) {
				// Then the next look does not see it.
			}
		}
		return left;
	}

	private static String lockedBy(long session) {
		return "locked by 0x" + Long.toHexString(session);
	}

	@Check("a restart: a one-shot watch set before it fires after it, once, and authentication holds")
	static String watchAndAuth(Site unused) throws Exception {
		Site.same(0, watched.get(), "events so far");
		for (int i = 0; i < 2; i++) reader.setData().forPath(site.at("plain"), Site.bytes("" + i));
		Site.until("the watch fires", () -> watched.get() == 1);
		owner.setData().forPath(site.at("secret"), Site.bytes("after"));
		Site.fails(KeeperException.NoAuthException.class, () -> reader.getData().forPath(site.at("secret")));
		Site.same(1, watched.get(), "events");
		return "once";
	}
}
