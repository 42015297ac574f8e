import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.Op;
import org.apache.zookeeper.OpResult;
import org.apache.zookeeper.ZooDefs;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.admin.ZooKeeperAdmin;
import org.apache.zookeeper.data.ACL;
import org.apache.zookeeper.data.ClientInfo;
import org.apache.zookeeper.data.Id;
import org.apache.zookeeper.data.Stat;

/** What ZooKeeper's own Java client asks, one operation at a time. */
final class ClientOperations {
	static final List<ACL> OPEN = ZooDefs.Ids.OPEN_ACL_UNSAFE;

	@Check("18–27: create, read, set, delete, and every Stat field on the way")
	static String stats(Site site) throws Exception {
		ZooKeeper client = site.zooKeeper();
		Stat created = new Stat();
		client.create(site.root, Site.bytes("one"), OPEN, CreateMode.PERSISTENT, created);
		Site.holds(created.getCzxid() == created.getMzxid() && created.getCzxid() == created.getPzxid(), "18: one zxid");
		Site.same(0, created.getVersion() + created.getCversion() + created.getAversion(), "18: versions");
		client.create(site.at("a"), null, OPEN, CreateMode.PERSISTENT);
		client.create(site.at("b"), new byte[0], OPEN, CreateMode.EPHEMERAL);
		client.delete(site.at("a"), 0);
		Stat set = client.setData(site.root, Site.bytes("two!"), 0);
		Site.same(3, set.getCversion(), "23: cversion");
		Site.same(1, set.getVersion(), "25: version");
		Site.same(1, set.getNumChildren(), "27: children");
		Site.same(4, set.getDataLength(), "27: bytes");
		Site.holds(set.getPzxid() > set.getCzxid() && set.getMzxid() > set.getPzxid(), "25: zxids");
		Stat acl = client.setACL(site.root, ZooDefs.Ids.READ_ACL_UNSAFE, 0);
		Site.same(1, acl.getAversion(), "25: aversion");
		Site.same(set.getMzxid(), acl.getMzxid(), "25: mzxid after setACL");
		Stat read = new Stat();
		Site.same("two!", Site.text(client.getData(site.root, false, read)), "data");
		Site.same(acl, read, "the stat of the last write");
		Site.same(client.getSessionId(), client.exists(site.at("b"), false).getEphemeralOwner(), "the owner");
		Stat beside = new Stat();
		Site.same(List.of("b"), client.getChildren(site.root, false, beside), "children");
		Site.same(read, beside, "the stat beside the children");
		return read.toString();
	}

	@Check("each refusal is the KeeperException of its code, with its path")
	static String refusals(Site site) throws Exception {
		ZooKeeper client = site.zooKeeper();
		client.create(site.root, null, OPEN, CreateMode.PERSISTENT);
		client.create(site.at("ephemeral"), null, OPEN, CreateMode.EPHEMERAL);
		List<KeeperException> errors = List.of(
			Site.fails(KeeperException.class, () -> client.getData(site.at("none"), false, null)),
			Site.fails(KeeperException.class, () -> client.create(site.root, null, OPEN, CreateMode.PERSISTENT)),
			Site.fails(KeeperException.class, () -> client.setData(site.root, null, 5)),
			Site.fails(KeeperException.class, () -> client.delete(site.root, -1)),
			Site.fails(KeeperException.class, () -> client.create(site.at("ephemeral/child"), null, OPEN, CreateMode.PERSISTENT)),
			Site.fails(KeeperException.class, () -> client.create(site.at("x"), null, ZooDefs.Ids.CREATOR_ALL_ACL, CreateMode.PERSISTENT)),
			Site.fails(KeeperException.class, () -> client.create(site.at("x"), null, acl(31, new Id("digest", "no colon")), CreateMode.PERSISTENT)),
			Site.fails(KeeperException.class, () -> client.delete("/zookeeper/quota", -1)),
			Site.fails(KeeperException.class, () -> client.setData("/zookeeper/config", null, -1)),
			Site.fails(KeeperException.class, () -> client.removeWatches(site.root, event -> {}, org.apache.zookeeper.Watcher.WatcherType.Data, false))
		);
		List<String> codes = errors.stream().map(error -> error.code().name()).collect(Collectors.toList());
		Site.same(List.of("NONODE", "NODEEXISTS", "BADVERSION", "NOTEMPTY", "NOCHILDRENFOREPHEMERALS", "INVALIDACL", "INVALIDACL",
			"BADARGUMENTS", "NOAUTH", "NOWATCHER"), codes, "codes");
		return String.join(", ", codes);
	}

	@Check("40–43: multi with each of its operations, and one that fails: nothing is done, the results are 0, the error, −2")
	static String multi(Site site) throws Exception {
		ZooKeeper client = site.zooKeeper();
		client.create(site.root, null, OPEN, CreateMode.PERSISTENT);
		List<OpResult> results = client.multi(List.of(
			Op.create(site.at("plain"), Site.bytes("1"), OPEN, CreateMode.PERSISTENT),
			Op.create(site.at("n-"), null, OPEN, CreateMode.PERSISTENT_SEQUENTIAL),
			Op.create(site.at("box"), null, OPEN, CreateMode.CONTAINER),
			Op.create(site.at("short"), null, OPEN, CreateMode.PERSISTENT_WITH_TTL, 60_000),
			Op.setData(site.at("plain"), Site.bytes("2"), 0),
			Op.check(site.at("plain"), 1),
			Op.delete(site.at("n-0000000001"), -1)
		));
		Site.same(7, results.size(), "results");
		Site.same(site.at("n-0000000001"), ((OpResult.CreateResult) results.get(1)).getPath(), "16: the numbered path");
		Site.same(1, ((OpResult.SetDataResult) results.get(4)).getStat().getVersion(), "41: the version");
		Stat plain = client.exists(site.at("plain"), false);
		Site.same(plain.getCzxid(), client.exists(site.at("box"), false).getCzxid(), "3: one zxid");
		Site.same(plain.getCzxid(), plain.getMzxid(), "3: for all");

		KeeperException error = Site.fails(KeeperException.NoNodeException.class, () -> client.multi(List.of(
			Op.setData(site.at("plain"), Site.bytes("3"), 1),
			Op.check(site.at("none"), -1),
			Op.delete(site.at("plain"), -1)
		)));
		Site.same(List.of(0, -101, -2), error.getResults().stream().map(result -> ((OpResult.ErrorResult) result).getErr()).collect(Collectors.toList()), "42: results");
		Site.same(plain, client.exists(site.at("plain"), false), "42: what was not set");
		Site.holds(client.setData(site.at("plain"), null, 1).getMzxid() >= plain.getCzxid() + 2, "43: the failed one has taken a zxid");
		Site.same(List.of(), client.multi(List.of()), "an empty multi");
		return results.size() + " operations";
	}

	@Check("40: a multi of reads answers each on its own, errors among them; transaction() and the asynchronous multi too")
	static String multiRead(Site site) throws Exception {
		ZooKeeper client = site.zooKeeper();
		client.transaction().create(site.root, Site.bytes("data"), OPEN, CreateMode.PERSISTENT).create(site.at("child"), null, OPEN, CreateMode.PERSISTENT).check(site.root, 0).commit();
		List<OpResult> results = client.multi(List.of(Op.getData(site.root), Op.getChildren(site.at("none")), Op.getChildren(site.root), Op.getData(site.at("child"))));
		Site.same("data", Site.text(((OpResult.GetDataResult) results.get(0)).getData()), "data");
		Site.same(-101, ((OpResult.ErrorResult) results.get(1)).getErr(), "the error");
		Site.same(List.of("child"), ((OpResult.GetChildrenResult) results.get(2)).getChildren(), "children");
		Site.same(null, ((OpResult.GetDataResult) results.get(3)).getData(), "null data");
		CompletableFuture<Integer> code = new CompletableFuture<>();
		client.multi(List.of(Op.delete(site.at("child"), -1), Op.delete(site.at("none"), -1)), (rc, path, context, all) -> code.complete(rc), null);
		Site.same(-101, code.get(10, TimeUnit.SECONDS), "the code of a failed one");
		return results.size() + " reads";
	}

	@Check("getAllChildrenNumber, getEphemerals with a prefix, and whoAmI before and after addAuthInfo")
	static String counts(Site site) throws Exception {
		ZooKeeper client = site.zooKeeper();
		client.create(site.root, null, OPEN, CreateMode.PERSISTENT);
		for (String name : List.of("a", "a/b", "a/b/c", "ab")) client.create(site.at(name), null, OPEN, CreateMode.PERSISTENT);
		for (String name : List.of("a/e1", "a/e2", "e3")) client.create(site.at(name), null, OPEN, CreateMode.EPHEMERAL);
		Site.same(7, client.getAllChildrenNumber(site.root), "all below");
		Site.same(4, client.getAllChildrenNumber(site.at("a")), "all below a");
		Site.same(0, client.getAllChildrenNumber(site.at("a/b/c")), "all below a leaf");
		Site.fails(KeeperException.NoNodeException.class, () -> client.getAllChildrenNumber(site.at("none")));
		Site.same(Set.of(site.at("a/e1"), site.at("a/e2"), site.at("e3")), Set.copyOf(client.getEphemerals()), "ephemerals");
		Site.same(new TreeSet<>(Set.of(site.at("a/e1"), site.at("a/e2"))), new TreeSet<>(client.getEphemerals(site.at("a"))), "those below a");
		Site.same(List.of(), site.zooKeeper().getEphemerals(), "those of another session");
		Site.same(List.of("ip:127.0.0.1"), who(client), "who I am");
		client.addAuthInfo("digest", Site.bytes("anna:secret"));
		Site.same(List.of("digest:anna", "ip:127.0.0.1"), who(client), "who I am then");
		return String.join(", ", who(client));
	}

	private static List<String> who(ZooKeeper client) throws Exception {
		List<String> names = new ArrayList<>();
		for (ClientInfo info : client.whoAmI()) names.add(info.getAuthScheme() + ":" + info.getUser());
		names.sort(null);
		return names;
	}

	@Check("34–38: digest, ip, auth and world in access control lists, and an unknown scheme of authentication ends the connection")
	static String authentication(Site site) throws Exception {
		ZooKeeper anna = site.zooKeeper();
		ZooKeeper stranger = site.zooKeeper();
		anna.addAuthInfo("digest", Site.bytes("anna:secret"));
		anna.create(site.root, null, OPEN, CreateMode.PERSISTENT);
		anna.create(site.at("auth"), Site.bytes("x"), acl(ZooDefs.Perms.ALL, ZooDefs.Ids.AUTH_IDS), CreateMode.PERSISTENT);
		anna.create(site.at("ip"), Site.bytes("x"), acl(ZooDefs.Perms.READ, new Id("ip", "127.0.0.0/8")), CreateMode.PERSISTENT);
		anna.create(site.at("elsewhere"), Site.bytes("x"), acl(ZooDefs.Perms.READ, new Id("ip", "10.1.2.3")), CreateMode.PERSISTENT);
		Site.fails(KeeperException.NoAuthException.class, () -> stranger.getData(site.at("auth"), false, null));
		Site.fails(KeeperException.NoAuthException.class, () -> stranger.getACL(site.at("auth"), new Stat()));
		Site.same("x", Site.text(stranger.getData(site.at("ip"), false, null)), "by address");
		Site.fails(KeeperException.NoAuthException.class, () -> stranger.getData(site.at("elsewhere"), false, null));
		Site.fails(KeeperException.NoAuthException.class, () -> stranger.setData(site.at("ip"), null, -1));
		Id id = anna.getACL(site.at("auth"), new Stat()).get(0).getId();
		Site.same("digest", id.getScheme(), "35: what auth became");
		CompletableFuture<String> refused = new CompletableFuture<>();
		ZooKeeper wrong = site.zooKeeper(site.connect, event -> {
			if (event.getState() == org.apache.zookeeper.Watcher.Event.KeeperState.AuthFailed) refused.complete("AuthFailed");
		});
		wrong.addAuthInfo("nosuch", Site.bytes("x"));
		Site.same("AuthFailed", refused.get(20, TimeUnit.SECONDS), "38: the state");
		Site.fails(KeeperException.AuthFailedException.class, () -> wrong.exists("/", false));
		return id.toString();
	}

	/** The client asks a list whether it contains null, which List.of does not bear. */
	private static List<ACL> acl(int perms, Id id) {
		return new ArrayList<>(List.of(new ACL(perms, id)));
	}

	@Check("reconfig is refused as by a standalone ZooKeeper, and getConfig reads an empty configuration")
	static String reconfig(Site site) throws Exception {
		ZooKeeperAdmin admin = site.keep(new ZooKeeperAdmin(site.connect, Site.SESSION_MS, event -> {}));
		KeeperException error = Site.fails(KeeperException.class, () -> admin.reconfigure("server.2=127.0.0.1:2888:3888;2181", null, null, -1, new Stat()));
		Stat stat = new Stat();
		byte[] config = admin.getConfig(false, stat);
		Site.same(0, config.length, "the configuration's length");
		return error.code().name();
	}

	@Check("a chroot: paths of requests, replies and events begin at it")
	static String chroot(Site site) throws Exception {
		site.zooKeeper().create(site.root, null, OPEN, CreateMode.PERSISTENT);
		List<String> events = new java.util.concurrent.CopyOnWriteArrayList<>();
		ZooKeeper client = site.zooKeeper(site.connect + site.root, event -> {
			if (event.getPath() != null) events.add(event.getType() + " " + event.getPath());
		});
		Site.same("/a", client.create("/a", null, OPEN, CreateMode.PERSISTENT), "a path");
		Site.same("/a/n-0000000000", client.create("/a/n-", null, OPEN, CreateMode.PERSISTENT_SEQUENTIAL), "a numbered path");
		client.getData("/a", true, null);
		client.exists("/b", true);
		client.getChildren("/", true);
		// The client does not take its chroot off the paths in the results of a multi.
		Site.same(site.at("b"), ((OpResult.CreateResult) client.multi(List.of(Op.create("/b", null, OPEN, CreateMode.EPHEMERAL), Op.setData("/a", null, -1))).get(0)).getPath(), "a path of a multi");
		Site.until("three events", () -> events.size() == 3);
		Site.same(Set.of("NodeCreated /b", "NodeChildrenChanged /", "NodeDataChanged /a"), Set.copyOf(events), "events");
		Site.same(3, client.getAllChildrenNumber("/"), "all below");
		return String.join(", ", events);
	}
}
