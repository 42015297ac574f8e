import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.api.ACLProvider;
import org.apache.curator.framework.api.CuratorEventType;
import org.apache.curator.framework.api.CuratorWatcher;
import org.apache.curator.framework.api.transaction.CuratorTransactionResult;
import org.apache.curator.framework.schema.Schema;
import org.apache.curator.framework.schema.SchemaSet;
import org.apache.curator.framework.schema.SchemaViolation;
import org.apache.curator.utils.ZKPaths;
import org.apache.zookeeper.AddWatchMode;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.Watcher;
import org.apache.zookeeper.ZooDefs;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.data.ACL;
import org.apache.zookeeper.data.Stat;

/** Curator's framework, below its recipes. */
final class CuratorApi {
	@Check("40: a transaction does all of create, set, check and delete, and tells the result of each")
	static String transaction(Site site) throws Exception {
		CuratorFramework client = site.curator();
		client.create().forPath(site.root);
		client.create().forPath(site.at("old"));
		List<CuratorTransactionResult> results = client.transaction().forOperations(
			client.transactionOp().create().forPath(site.at("new"), Site.bytes("1")),
			client.transactionOp().create().withMode(CreateMode.EPHEMERAL_SEQUENTIAL).forPath(site.at("new/n-")),
			client.transactionOp().setData().withVersion(0).forPath(site.at("new"), Site.bytes("2")),
			client.transactionOp().check().withVersion(1).forPath(site.at("new")),
			client.transactionOp().delete().forPath(site.at("old"))
		).stream().collect(Collectors.toList());
		Site.same(5, results.size(), "results");
		Site.same(site.at("new/n-0000000000"), results.get(1).getResultPath(), "the numbered path");
		Site.same(1, results.get(2).getResultStat().getVersion(), "the version");
		Stat stat = new Stat();
		Site.same("2", Site.text(client.getData().storingStatIn(stat).forPath(site.at("new"))), "the data");
		Site.same(stat.getCzxid(), stat.getMzxid(), "3: one zxid for all");
		Site.same(null, client.checkExists().forPath(site.at("old")), "the old one");
		List<CuratorTransactionResult> older = new ArrayList<>(client.inTransaction().delete().forPath(site.at("new/n-0000000000")).and().delete().forPath(site.at("new")).and().commit());
		Site.same(2, older.size(), "results of the older interface");
		return results.stream().map(result -> result.getType().name()).collect(Collectors.joining(", "));
	}

	@Check("42: a transaction that fails does nothing, and tells which operation failed")
	static String transactionFails(Site site) throws Exception {
		CuratorFramework client = site.curator();
		client.create().forPath(site.root);
		KeeperException error = Site.fails(KeeperException.BadVersionException.class, () -> client.transaction().forOperations(
			client.transactionOp().create().forPath(site.at("a")),
			client.transactionOp().setData().withVersion(7).forPath(site.root, Site.bytes("x")),
			client.transactionOp().delete().forPath(site.root)
		));
		List<Integer> codes = error.getResults().stream().map(result -> ((org.apache.zookeeper.OpResult.ErrorResult) result).getErr()).collect(Collectors.toList());
		Site.same(List.of(0, -103, -2), codes, "the results");
		Site.same(null, client.checkExists().forPath(site.at("a")), "what came before");
		return codes.toString();
	}

	@Check("34–36: digest authentication: creator-all nodes are closed to others and open to the superuser, ACLs are read and set")
	static String acl(Site site) throws Exception {
		CuratorFramework owner = site.start(site.builder().authorization("digest", Site.bytes("anna:secret")).aclProvider(new ACLProvider() {
			@Override
			public List<ACL> getDefaultAcl() {
				return ZooDefs.Ids.CREATOR_ALL_ACL;
			}

			@Override
			public List<ACL> getAclForPath(String path) {
				return ZooDefs.Ids.CREATOR_ALL_ACL;
			}
		}).build());
		CuratorFramework stranger = site.curator();
		stranger.create().forPath(site.root);
		owner.create().forPath(site.at("mine"), Site.bytes("secret"));
		Site.fails(KeeperException.NoAuthException.class, () -> stranger.getData().forPath(site.at("mine")));
		Site.fails(KeeperException.NoAuthException.class, () -> stranger.setData().forPath(site.at("mine"), new byte[0]));
		Site.fails(KeeperException.NoAuthException.class, () -> stranger.create().forPath(site.at("mine/child")));
		List<ACL> acl = owner.getACL().forPath(site.at("mine"));
		Site.same("digest", acl.get(0).getId().getScheme(), "its scheme");
		Site.holds(acl.get(0).getId().getId().matches("anna:.{27}="), "its id is a digest: " + acl);
		CuratorFramework superuser = site.start(site.builder().authorization("digest", Site.bytes("super:recorder")).build());
		Site.same("secret", Site.text(superuser.getData().forPath(site.at("mine"))), "what the superuser reads");
		owner.setACL().withVersion(0).withACL(ZooDefs.Ids.READ_ACL_UNSAFE).forPath(site.at("mine"));
		Site.same("secret", Site.text(stranger.getData().forPath(site.at("mine"))), "what the stranger reads now");
		Site.fails(KeeperException.NoAuthException.class, () -> owner.setData().forPath(site.at("mine"), new byte[0]));
		return acl.get(0).getId().getId().replaceAll(":.*", "");
	}

	@Check("EnsembleTracker: /zookeeper/config is read and watched, a client with and without it connects")
	static String config(Site site) throws Exception {
		CuratorFramework tracking = site.start(site.builder().ensembleTracker(true).build());
		CuratorFramework plain = site.start(site.builder().ensembleTracker(false).build());
		CountDownLatch background = new CountDownLatch(1);
		Stat stat = new Stat();
		byte[] config = plain.getConfig().storingStatIn(stat).usingWatcher((Watcher) event -> {}).forEnsemble();
		tracking.getConfig().inBackground((client, event) -> {
			if (event.getType() == CuratorEventType.GET_CONFIG && event.getResultCode() == 0) background.countDown();
		}).forEnsemble();
		Site.holds(background.await(10, TimeUnit.SECONDS), "read in the background");
		Site.same(config.length, stat.getDataLength(), "its length");
		Site.same(0, tracking.getCurrentConfig().getAllMembers().size(), "members of a server on its own");
		Site.same(List.of("config", "quota"), sorted(plain.getChildren().forPath("/zookeeper")), "/zookeeper");
		return config.length + " bytes";
	}

	@Check("10: 500 background operations answer in the order they were asked, each with its context")
	static String background(Site site) throws Exception {
		CuratorFramework client = site.curator();
		client.create().forPath(site.root);
		List<Object> answered = Collections.synchronizedList(new ArrayList<>());
		List<Object> asked = new ArrayList<>();
		for (int i = 0; i < 500; i++) {
			asked.add(i);
			client.create().withMode(CreateMode.PERSISTENT_SEQUENTIAL).inBackground((framework, event) -> {
				String number = String.format("%010d", (Integer) event.getContext());
				answered.add(event.getResultCode() == 0 && event.getName().endsWith(number) ? event.getContext() : event.toString());
			}, i).forPath(site.at("n-"));
		}
		Site.until("all answered", () -> answered.size() == 500);
		Site.same(asked, answered, "answers");
		CountDownLatch synced = new CountDownLatch(1);
		client.sync().inBackground((framework, event) -> synced.countDown()).forPath(site.root);
		Site.holds(synced.await(10, TimeUnit.SECONDS), "sync");
		return answered.size() + " answers";
	}

	@Check("create with protection, orSetData, compressed, idempotent; delete guaranteed, quietly and with children; namespaces")
	static String builders(Site site) throws Exception {
		CuratorFramework client = site.curator().usingNamespace(site.root.substring(1));
		client.create().creatingParentsIfNeeded().forPath("/a/b/c", Site.bytes("deep"));
		String guarded = client.create().withProtection().withMode(CreateMode.EPHEMERAL_SEQUENTIAL).forPath("/a/n-");
		Site.holds(guarded.matches("/a/_c_[0-9a-f-]{36}-n-0000000001"), "a protected path: " + guarded);
		client.create().orSetData().forPath("/a/b", Site.bytes("again"));
		Site.same("again", Site.text(client.getData().forPath("/a/b")), "what was set instead");
		byte[] long100 = new byte[100_000];
		Arrays.fill(long100, (byte) 'x');
		client.create().compressed().forPath("/a/zip", long100);
		Site.holds(client.checkExists().forPath("/a/zip").getDataLength() < 1000, "it is small");
		Site.same(100_000, client.getData().decompressed().forPath("/a/zip").length, "and whole");
		client.create().idempotent().forPath("/a/same", Site.bytes("s"));
		client.create().idempotent().forPath("/a/same", Site.bytes("s"));
		client.delete().quietly().forPath("/a/none");
		client.delete().idempotent().forPath("/a/none");
		client.delete().guaranteed().forPath("/a/same");
		Stat stat = new Stat();
		client.create().storingStatIn(stat).forPath("/stat", Site.bytes("12345"));
		Site.same(5, stat.getDataLength(), "15: the stat of a new node");
		Site.same(client.checkExists().forPath("/stat"), stat, "the same stat again");
		client.delete().deletingChildrenIfNeeded().forPath("/a");
		Site.same(List.of("stat"), client.getChildren().forPath("/"), "what is left");
		return guarded;
	}

	@Check("49: one-shot watches fire once, can be taken back, and those of addWatch stay")
	static String watches(Site site) throws Exception {
		CuratorFramework client = site.curator();
		CuratorFramework writer = site.curator();
		client.create().forPath(site.root);
		List<String> events = new CopyOnWriteArrayList<>();
		CuratorWatcher once = event -> events.add("once " + event.getType());
		CuratorWatcher removed = event -> events.add("removed " + event.getType());
		Watcher lasting = event -> events.add("lasting " + event.getType());
		client.getData().usingWatcher(once).forPath(site.root);
		client.getChildren().usingWatcher(removed).forPath(site.root);
		client.watchers().add().withMode(AddWatchMode.PERSISTENT).usingWatcher(lasting).forPath(site.root);
		client.watchers().remove(removed).ofType(Watcher.WatcherType.Children).forPath(site.root);
		Site.until("its removal is told", () -> events.contains("removed ChildWatchRemoved"));
		for (int i = 0; i < 3; i++) writer.setData().forPath(site.root, Site.bytes("" + i));
		writer.create().forPath(site.at("child"));
		Site.until("the last event", () -> events.contains("lasting NodeChildrenChanged"));
		Site.same(1L, events.stream().filter(event -> event.startsWith("once")).count(), "one-shot events");
		Site.same(3L, events.stream().filter("lasting NodeDataChanged"::equals).count(), "persistent events");
		client.watchers().removeAll().forPath(site.root);
		Site.fails(KeeperException.NoWatcherException.class, () -> client.watchers().removeAll().forPath(site.root));
		return events.size() + " events";
	}

	@Check("ZKPaths makes, lists and deletes paths; a schema keeps bad ones out")
	static String paths(Site site) throws Exception {
		CuratorFramework client = site.curator();
		ZooKeeper zooKeeper = client.getZookeeperClient().getZooKeeper();
		ZKPaths.mkdirs(zooKeeper, ZKPaths.makePath(site.root, "a", "b", "c"), true);
		for (int i : new int[] {3, 1, 2}) client.create().forPath(site.at("a/" + i));
		Site.same(List.of("1", "2", "3", "b"), ZKPaths.getSortedChildren(zooKeeper, site.at("a")), "sorted");
		ZKPaths.deleteChildren(zooKeeper, site.at("a"), true);
		Site.same(null, client.checkExists().forPath(site.at("a")), "deleted");
		Schema schema = Schema.builder(site.root).dataValidator((rule, path, data, acl) -> data.length < 10).ephemeral(Schema.Allowance.CANNOT).build();
		CuratorFramework strict = site.start(site.builder().schemaSet(new SchemaSet(List.of(schema), true)).build());
		strict.setData().forPath(site.root, Site.bytes("short"));
		Site.fails(SchemaViolation.class, () -> strict.setData().forPath(site.root, Site.bytes("much too long")));
		return "made, sorted, deleted";
	}

	private static List<String> sorted(List<String> names) {
		List<String> copy = new ArrayList<>(names);
		Collections.sort(copy);
		return copy;
	}
}
