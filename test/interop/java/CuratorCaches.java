import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.cache.ChildData;
import org.apache.curator.framework.recipes.cache.CuratorCache;
import org.apache.curator.framework.recipes.cache.CuratorCacheListener;
import org.apache.curator.framework.recipes.cache.NodeCache;
import org.apache.curator.framework.recipes.cache.PathChildrenCache;
import org.apache.curator.framework.recipes.cache.TreeCache;
import org.apache.curator.framework.recipes.watch.PersistentWatcher;
import org.apache.zookeeper.KeeperException;

final class CuratorCaches {
	@Check("NodeCache follows a node that is created, changed, deleted and created again")
	static String nodeCache(Site site) throws Exception {
		CuratorFramework client = site.curator();
		CuratorFramework writer = site.curator();
		NodeCache cache = site.keep(new NodeCache(client, site.at("node")));
		cache.start(true);
		Site.same(null, cache.getCurrentData(), "nothing yet");
		writer.create().creatingParentsIfNeeded().forPath(site.at("node"), Site.bytes("one"));
		Site.until("one", () -> cache.getCurrentData() != null && "one".equals(Site.text(cache.getCurrentData().getData())));
		writer.setData().forPath(site.at("node"), Site.bytes("two"));
		Site.until("two", () -> "two".equals(Site.text(cache.getCurrentData().getData())));
		writer.delete().forPath(site.at("node"));
		Site.until("gone", () -> cache.getCurrentData() == null);
		writer.create().forPath(site.at("node"), Site.bytes("again"));
		Site.until("again", () -> cache.getCurrentData() != null);
		return Site.text(cache.getCurrentData().getData());
	}

	@Check("PathChildrenCache tells of children added, updated and removed")
	static String pathChildrenCache(Site site) throws Exception {
		CuratorFramework client = site.curator();
		CuratorFramework writer = site.curator();
		writer.create().creatingParentsIfNeeded().forPath(site.at("before"), Site.bytes("0"));
		List<String> events = new CopyOnWriteArrayList<>();
		PathChildrenCache cache = site.keep(new PathChildrenCache(client, site.root, true));
		cache.getListenable().addListener((framework, event) -> {
			if (event.getData() != null) events.add(event.getType() + " " + event.getData().getPath().substring(site.root.length() + 1));
		});
		cache.start(PathChildrenCache.StartMode.BUILD_INITIAL_CACHE);
		Site.same(1, cache.getCurrentData().size(), "children at first");
		writer.create().forPath(site.at("child"), Site.bytes("1"));
		Site.until("added", () -> events.contains("CHILD_ADDED child"));
		writer.setData().forPath(site.at("child"), Site.bytes("2"));
		Site.until("updated", () -> events.contains("CHILD_UPDATED child"));
		Site.same("2", Site.text(cache.getCurrentData(site.at("child")).getData()), "its data");
		writer.delete().forPath(site.at("child"));
		Site.until("removed", () -> events.contains("CHILD_REMOVED child"));
		Site.same(List.of("CHILD_ADDED child", "CHILD_UPDATED child", "CHILD_REMOVED child"), events, "events");
		return String.join(", ", events);
	}

	@Check("TreeCache holds what the tree holds after 400 random writes of four clients")
	static String treeCache(Site site) throws Exception {
		CuratorFramework client = site.curator();
		client.create().forPath(site.root);
		TreeCache cache = site.keep(new TreeCache(client, site.root));
		cache.start();
		randomWrites(site, 100);
		Map<String, String> tree = tree(client, site.root);
		AtomicReference<Map<String, String>> cached = new AtomicReference<>();
		Site.until("the cache holds the tree of " + tree.size(), () -> {
			cached.set(new TreeMap<>());
			collect(cache, site.root, cached.get());
			return cached.get().equals(tree);
		});
		return tree.size() + " nodes";
	}

	@Check("52: CuratorCache, on one persistent recursive watch, holds what the tree holds after 400 random writes of four clients")
	static String curatorCache(Site site) throws Exception {
		CuratorFramework client = site.curator();
		client.create().forPath(site.root);
		CountDownLatch initialized = new CountDownLatch(1);
		AtomicInteger created = new AtomicInteger();
		AtomicInteger changed = new AtomicInteger();
		AtomicInteger deleted = new AtomicInteger();
		CuratorCache cache = site.keep(CuratorCache.build(client, site.root));
		cache.listenable().addListener(CuratorCacheListener.builder()
			.forInitialized(initialized::countDown)
			.forCreates(node -> created.incrementAndGet())
			.forChanges((before, node) -> changed.incrementAndGet())
			.forDeletes(node -> deleted.incrementAndGet())
			.build());
		cache.start();
		Site.holds(initialized.await(20, TimeUnit.SECONDS), "initialized");
		randomWrites(site, 100);
		Map<String, String> tree = tree(client, site.root);
		Site.until("the cache holds the tree", () -> contents(cache).equals(tree));
		Site.until("creations less deletions are the nodes", () -> created.get() - deleted.get() == tree.size());
		Site.holds(changed.get() > 0 && deleted.get() > 0, "changes and deletions were seen");
		return tree.size() + " nodes, " + created + " created, " + changed + " changed, " + deleted + " deleted";
	}

	@Check("52: PersistentWatcher sees the node and its children, a recursive one the whole subtree and no change of children")
	static String persistentWatcher(Site site) throws Exception {
		CuratorFramework writer = site.curator();
		writer.create().forPath(site.root);
		List<String> flat = watch(site, false);
		List<String> deep = watch(site, true);
		writer.setData().forPath(site.root, Site.bytes("1"));
		writer.create().forPath(site.at("child"));
		writer.create().forPath(site.at("child/grandchild"));
		writer.setData().forPath(site.at("child/grandchild"), Site.bytes("2"));
		writer.delete().forPath(site.at("child/grandchild"));
		writer.delete().forPath(site.at("child"));
		Site.until("the last event", () -> deep.contains("NodeDeleted /child") && flat.size() >= 3);
		Site.same(List.of("NodeDataChanged ", "NodeChildrenChanged ", "NodeChildrenChanged "), flat, "of the persistent one");
		Site.same(List.of("NodeDataChanged ", "NodeCreated /child", "NodeCreated /child/grandchild", "NodeDataChanged /child/grandchild",
			"NodeDeleted /child/grandchild", "NodeDeleted /child"), deep, "of the recursive one");
		return flat.size() + " and " + deep.size() + " events";
	}

	static Map<String, String> contents(CuratorCache cache) {
		Map<String, String> contents = new TreeMap<>();
		cache.stream().forEach(node -> contents.put(node.getPath(), describe(node)));
		return contents;
	}

	/** Path by path: data and version. */
	static Map<String, String> tree(CuratorFramework client, String path) throws Exception {
		Map<String, String> nodes = new TreeMap<>();
		org.apache.zookeeper.data.Stat stat = new org.apache.zookeeper.data.Stat();
		nodes.put(path, Site.text(client.getData().storingStatIn(stat).forPath(path)) + " " + stat.getMzxid());
		for (String child : client.getChildren().forPath(path)) nodes.putAll(tree(client, path + "/" + child));
		return nodes;
	}

	private static List<String> watch(Site site, boolean recursive) throws Exception {
		List<String> events = new CopyOnWriteArrayList<>();
		CountDownLatch set = new CountDownLatch(1);
		PersistentWatcher watcher = site.keep(new PersistentWatcher(site.curator(), site.root, recursive));
		watcher.getListenable().addListener(event -> {
			if (event.getPath() != null) events.add(event.getType() + " " + event.getPath().substring(site.root.length()));
		});
		watcher.getResetListenable().addListener(set::countDown);
		watcher.start();
		Site.holds(set.await(20, TimeUnit.SECONDS), "the watch is set");
		return events;
	}

	private static void randomWrites(Site site, int rounds) throws Exception {
		AtomicInteger seed = new AtomicInteger(42);
		Callable<Object> writer = () -> {
			Random random = new Random(seed.getAndIncrement());
			CuratorFramework client = site.curator();
			for (int i = 0; i < rounds; i++) {
				String path = site.at("a" + random.nextInt(8)) + (random.nextBoolean() ? "" : "/b" + random.nextInt(4));
				try {
					switch (random.nextInt(4)) {
						case 0 -> client.delete().deletingChildrenIfNeeded().forPath(path);
						case 1 -> client.setData().forPath(path, Site.bytes("set" + i));
						default -> client.create().orSetData().creatingParentsIfNeeded().forPath(path, Site.bytes("put" + i));
					}
				} catch (KeeperException.NoNodeException | KeeperException.NodeExistsException | KeeperException.NotEmptyException another) {
					// Another writer was there first.
				}
			}
			return null;
		};
		Site.together(4, writer);
	}

	private static void collect(TreeCache cache, String path, Map<String, String> into) {
		ChildData node = cache.getCurrentData(path);
		if (node == null) return;
		into.put(path, describe(node));
		Map<String, ChildData> children = cache.getCurrentChildren(path);
		if (children != null) children.keySet().forEach(name -> collect(cache, path + "/" + name, into));
	}

	private static String describe(ChildData node) {
		return Site.text(node.getData()) + " " + node.getStat().getMzxid();
	}
}
