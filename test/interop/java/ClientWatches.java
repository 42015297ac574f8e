import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.zookeeper.AddWatchMode;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.Watcher;
import org.apache.zookeeper.Watcher.WatcherType;
import org.apache.zookeeper.ZooDefs;
import org.apache.zookeeper.ZooKeeper;

final class ClientWatches {

	@Check("49, 50: the four kinds of one-shot watches fire once each, in the order of the changes")
	static String oneShot(Site site) throws Exception {
		ZooKeeper writer = site.zooKeeper();
		ZooKeeper client = site.zooKeeper();
		List<String> events = new CopyOnWriteArrayList<>();
		writer.create(site.root, null, ClientOperations.OPEN, CreateMode.PERSISTENT);
		client.getChildren(site.root, event -> events.add("children " + event.getType()));
		client.exists(site.at("a"), event -> events.add("exists " + event.getType()));
		Site.fails(KeeperException.NoNodeException.class, () -> client.getData(site.at("a"), event -> events.add("never"), null));
		writer.create(site.at("a"), null, ClientOperations.OPEN, CreateMode.PERSISTENT);
		Site.until("two events", () -> events.size() == 2);
		client.getData(site.at("a"), event -> events.add("data " + event.getType()), null);
		client.getData(site.at("a"), event -> events.add("data again " + event.getType()), null);
		for (int i = 0; i < 3; i++) writer.setData(site.at("a"), null, -1);
		Site.until("four events", () -> events.size() == 4);
		client.getData(site.at("a"), event -> events.add("gone " + event.getType()), null);
		writer.delete(site.at("a"), -1);
		Site.until("five events", () -> events.size() == 5);
		Site.same(List.of("exists NodeCreated", "children NodeChildrenChanged"), events.subList(0, 2), "49: created before children changed");
		Site.same("gone NodeDeleted", events.get(4), "the last");
		return String.join(", ", events);
	}

	@Check("57: removeWatches of each type, removeAllWatches and a local removal; without a match NoWatcher")
	static String remove(Site site) throws Exception {
		ZooKeeper writer = site.zooKeeper();
		ZooKeeper client = site.zooKeeper();
		// On one path ZooKeeper 3.8.0 keeps one kind of watch per connection.
		ZooKeeper deepClient = site.zooKeeper();
		writer.create(site.root, null, ClientOperations.OPEN, CreateMode.PERSISTENT);
		List<String> events = new CopyOnWriteArrayList<>();
		Watcher data = event -> events.add("data " + event.getType());
		Watcher children = event -> events.add("children " + event.getType());
		Watcher lasting = event -> events.add("lasting " + event.getType());
		Watcher deep = event -> events.add("deep " + event.getType());
		client.getData(site.root, data, null);
		client.getChildren(site.root, children);
		client.addWatch(site.root, lasting, AddWatchMode.PERSISTENT);
		deepClient.addWatch(site.root, deep, AddWatchMode.PERSISTENT_RECURSIVE);
		Site.fails(KeeperException.NoWatcherException.class, () -> client.removeWatches(site.root, children, WatcherType.Data, false));
		client.removeWatches(site.root, data, WatcherType.Data, false);
		client.removeWatches(site.root, children, WatcherType.Children, false);
		client.removeWatches(site.root, lasting, WatcherType.Any, false);
		Site.until("three are told", () -> events.size() == 3);
		writer.setData(site.root, null, -1);
		writer.create(site.at("child"), null, ClientOperations.OPEN, CreateMode.PERSISTENT);
		Site.until("the recursive one has seen both", () -> events.contains("deep NodeCreated"));
		deepClient.removeAllWatches(site.root, WatcherType.Any, false);
		Site.until("its removal is told", () -> events.contains("deep PersistentWatchRemoved"));
		Site.fails(KeeperException.NoWatcherException.class, () -> deepClient.removeAllWatches(site.root, WatcherType.Any, false));
		Site.same(List.of("data DataWatchRemoved", "children ChildWatchRemoved", "lasting PersistentWatchRemoved", "deep NodeDataChanged", "deep NodeCreated",
			"deep PersistentWatchRemoved"), events, "events");
		client.getData(site.root, data, null);
		client.removeWatches(site.root, data, WatcherType.Data, true);
		Site.until("a local removal is told", () -> events.size() == 7);
		return String.join(", ", events);
	}

	@Check("54, 56: 3,000 watches with long paths survive a lost connection in several setWatches: those missed fire, the others later, each once")
	static String setWatches(Site site) throws Exception {
		return survive(site, false);
	}

	@Check("54, 56: the same beside persistent and recursive watches, in setWatches2")
	static String setWatches2(Site site) throws Exception {
		return survive(site, true);
	}

	private static String survive(Site site, boolean lasting) throws Exception {
		ZooKeeper writer = site.zooKeeper();
		Proxy proxy = site.keep(new Proxy(site.connect));
		ZooKeeper client = site.zooKeeper(proxy.address(), event -> {});
		String folder = site.at("a-long-name-".repeat(15));
		writer.create(site.root, null, ClientOperations.OPEN, CreateMode.PERSISTENT);
		writer.create(folder, null, ClientOperations.OPEN, CreateMode.PERSISTENT);
		Map<String, AtomicInteger> fired = new ConcurrentHashMap<>();
		Watcher watcher = event -> {
			if (event.getPath() == null) return;
			fired.computeIfAbsent(event.getType() + event.getPath().substring(folder.length()), key -> new AtomicInteger()).incrementAndGet();
		};
		int each = 1000;
		Replies created = new Replies(2 * each);
		for (int i = 0; i < each; i++) {
			writer.create(folder + "/data" + i, null, ClientOperations.OPEN, CreateMode.PERSISTENT, created.strings(), null);
			writer.create(folder + "/parent" + i, null, ClientOperations.OPEN, CreateMode.PERSISTENT, created.strings(), null);
		}
		created.await();
		Replies watched = new Replies(3 * each);
		for (int i = 0; i < each; i++) {
			client.getData(folder + "/data" + i, watcher, watched.data(), null);
			client.exists(folder + "/none" + i, watcher, watched.stats(), null);
			client.getChildren(folder + "/parent" + i, watcher, watched.children(), null);
		}
		watched.await();
		List<String> seen = new CopyOnWriteArrayList<>();
		if (lasting) {
			client.addWatch(folder + "/data0", event -> seen.add("lasting " + event.getType()), AddWatchMode.PERSISTENT);
			client.addWatch(folder + "/parent0", event -> seen.add("deep " + event.getType()), AddWatchMode.PERSISTENT_RECURSIVE);
			// Their events before the cut would not tell what came after it.
			Site.same(0, seen.size(), "events so far");
		}
		proxy.cut();
		change(writer, folder, 0, each / 2);
		Site.same(0, fired.size(), "events while the connection is away");
		proxy.restore();
		Site.until("those missed fire", () -> fired.size() == 3 * each / 2);
		change(writer, folder, each / 2, each);
		Site.until("the others fire", () -> fired.size() == 3 * each);
		if (lasting) {
			writer.setData(folder + "/data0", null, -1);
			writer.delete(folder + "/parent0/child", -1);
			Site.until("the persistent ones are there", () -> seen.contains("lasting NodeDataChanged") && seen.contains("deep NodeDeleted"));
		}
		Site.holds(fired.values().stream().allMatch(count -> count.get() == 1), "each fires once");
		for (String key : List.of("NodeDataChanged/data7", "NodeCreated/none7", "NodeChildrenChanged/parent7", "NodeDataChanged/data999")) {
			Site.holds(fired.containsKey(key), key);
		}
		// Only the pieces with a persistent watch need the newer request.
		int newer = proxy.requests(ZooDefs.OpCode.setWatches2);
		int pieces = proxy.requests(ZooDefs.OpCode.setWatches) + newer;
		Site.same(lasting, newer > 0, "setWatches2 is asked");
		Site.holds(pieces >= 5, "600 kB of paths come in pieces, were " + pieces);
		return fired.size() + " events, " + pieces + " pieces";
	}

	private static void change(ZooKeeper writer, String folder, int from, int to) throws Exception {
		Replies replies = new Replies(3 * (to - from));
		for (int i = from; i < to; i++) {
			writer.setData(folder + "/data" + i, null, -1, replies.stats(), null);
			writer.create(folder + "/none" + i, null, ClientOperations.OPEN, CreateMode.PERSISTENT, replies.strings(), null);
			writer.create(folder + "/parent" + i + "/child", null, ClientOperations.OPEN, CreateMode.PERSISTENT, replies.strings(), null);
		}
		replies.await();
	}

	@Check("46: under load no read shows a change before its watch has told of it")
	static String watchBeforeRead(Site site) throws Exception {
		ZooKeeper writer = site.zooKeeper();
		writer.create(site.root, null, ClientOperations.OPEN, CreateMode.PERSISTENT);
		int writes = 1500;
		AtomicInteger left = new AtomicInteger(writes);
		List<String> wrong = new CopyOnWriteArrayList<>();
		List<Reader> readers = new ArrayList<>();
		for (int i = 0; i < 4; i++) readers.add(new Reader(site.zooKeeper(), site.root, writes, wrong));
		readers.forEach(Reader::arm);
		for (int i = 0; i < 4; i++) write(writer, site.root, left);
		Site.until("all readers have seen the last", () -> readers.stream().allMatch(reader -> reader.version >= writes));
		Site.same(List.of(), wrong, "reads that ran ahead");
		int events = readers.stream().mapToInt(reader -> reader.events).sum();
		int reads = readers.stream().mapToInt(reader -> reader.reads).sum();
		Site.holds(events > 20, "enough events, were " + events);
		return events + " events, " + reads + " reads";
	}

	/** One write after another, until none is left. */
	private static void write(ZooKeeper writer, String path, AtomicInteger left) {
		if (left.getAndDecrement() <= 0) return;
		writer.setData(path, null, -1, (code, where, context, stat) -> write(writer, path, left), null);
	}

	/** Keeps a watch on a node and reads it all the while; callbacks and events come on one thread, in the order of their arrival. */
	private static final class Reader {
		private final ZooKeeper client;
		private final String path;
		private final int last;
		private final List<String> wrong;
		/** Set from the reply that armed the watch until its event. */
		private boolean armed;
		private int armedAt;
		volatile int version;
		volatile int events;
		volatile int reads;

		Reader(ZooKeeper client, String path, int last, List<String> wrong) {
			this.client = client;
			this.path = path;
			this.last = last;
			this.wrong = wrong;
		}

		void arm() {
			client.getData(path, event -> {
				if (event.getType() != Watcher.Event.EventType.NodeDataChanged) return;
				if (!armed) wrong.add("an event without a watch");
				armed = false;
				events++;
				arm();
			}, (code, where, context, data, stat) -> {
				armed = true;
				armedAt = stat.getVersion();
				version = stat.getVersion();
				for (int i = 0; i < 3; i++) read();
			}, null);
		}

		private void read() {
			client.getData(path, false, (code, where, context, data, stat) -> {
				reads++;
				if (armed && stat.getVersion() > armedAt) wrong.add("version " + stat.getVersion() + " read, the watch is from " + armedAt);
				if (stat.getVersion() < version) wrong.add("version " + stat.getVersion() + " after " + version);
				version = stat.getVersion();
				if (armed && version < last) read();
			}, null);
		}
	}
}
