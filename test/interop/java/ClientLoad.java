import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.Op;
import org.apache.zookeeper.OpResult;
import org.apache.zookeeper.Watcher;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.client.ZKClientConfig;
import org.apache.zookeeper.data.Stat;

/** Many requests, and large ones. */
final class ClientLoad {
	/** ZooKeeper's default of jute.maxbuffer. */
	private static final int MAX_BUFFER = 0xfffff;

	@Check("10: 10,000 requests of one session in flight answer in order, each read with the session's last write")
	static String pipelining(Site site) throws Exception {
		ZooKeeper client = site.zooKeeper();
		client.create(site.root, null, ClientOperations.OPEN, CreateMode.PERSISTENT);
		return pipeline(client, site.root, 10_000) + " replies";
	}

	@Check("10: the same through the client's Netty connection")
	static String pipeliningByNetty(Site site) throws Exception {
		ZKClientConfig netty = new ZKClientConfig();
		netty.setProperty(ZKClientConfig.ZOOKEEPER_CLIENT_CNXN_SOCKET, "org.apache.zookeeper.ClientCnxnSocketNetty");
		ZooKeeper client = site.zooKeeper(site.connect, event -> {}, netty);
		client.create(site.root, null, ClientOperations.OPEN, CreateMode.PERSISTENT);
		return pipeline(client, site.root, 5000) + " replies";
	}

	@Check("40: a multi of 1,000 operations, and one of more bytes than jute.maxbuffer")
	static String largeMulti(Site site) throws Exception {
		ZooKeeper client = site.zooKeeper();
		List<Op> operations = new ArrayList<>(List.of(Op.create(site.root, null, ClientOperations.OPEN, CreateMode.PERSISTENT)));
		for (int i = 1; i < 1000; i++) operations.add(Op.create(site.at("n-"), null, ClientOperations.OPEN, CreateMode.PERSISTENT_SEQUENTIAL));
		List<OpResult> results = client.multi(operations);
		Site.same(site.at("n-0000000998"), ((OpResult.CreateResult) results.get(999)).getPath(), "the last path");
		Site.same(999, client.exists(site.root, false).getNumChildren(), "children");
		byte[] data = new byte[200_000];
		List<Op> large = new ArrayList<>();
		for (int i = 0; i < 6; i++) large.add(Op.setData(site.at("n-000000000" + i), data, -1));
		Site.fails(KeeperException.ConnectionLossException.class, () -> client.multi(large));
		Site.same(0, Site.reconnected(() -> client.exists(site.at("n-0000000000"), false)).getVersion(), "nothing was set");
		return results.size() + " results";
	}

	@Check("10: the same in four sessions at once, 2,500 requests each")
	static String pipeliningTogether(Site site) throws Exception {
		site.zooKeeper().create(site.root, null, ClientOperations.OPEN, CreateMode.PERSISTENT);
		AtomicInteger number = new AtomicInteger();
		Site.together(4, () -> {
			ZooKeeper client = site.zooKeeper();
			String path = site.at("client" + number.incrementAndGet());
			client.create(path, null, ClientOperations.OPEN, CreateMode.PERSISTENT);
			return pipeline(client, path, 2500);
		});
		return "4 sessions";
	}

	/** Turns of five: a numbered child is created, the node set, read, its children counted, the child deleted. */
	private static int pipeline(ZooKeeper client, String path, int requests) throws Exception {
		CountDownLatch open = new CountDownLatch(requests);
		List<String> wrong = new CopyOnWriteArrayList<>();
		AtomicInteger next = new AtomicInteger();
		AtomicLong zxid = new AtomicLong();
		for (int turn = 0; turn < requests / 5; turn++) {
			int expected = turn;
			String child = path + "/n-" + String.format("%010d", turn);
			client.create(path + "/n-", null, ClientOperations.OPEN, CreateMode.PERSISTENT_SEQUENTIAL, (code, where, context, name, stat) -> {
				if (code != 0 || !child.equals(name)) wrong.add("created " + name + " for " + child + ", code " + code);
				else if (stat.getCzxid() <= zxid.getAndSet(stat.getCzxid())) wrong.add("zxids do not rise");
				inOrder(next, 5 * expected, wrong, open);
			}, null);
			client.setData(path, Site.bytes("" + turn), turn, (code, where, context, stat) -> {
				if (code != 0 || stat.getVersion() != expected + 1) wrong.add("set, code " + code);
				inOrder(next, 5 * expected + 1, wrong, open);
			}, null);
			client.getData(path, false, (code, where, context, data, stat) -> {
				if (code != 0 || !("" + expected).equals(Site.text(data))) wrong.add("read " + Site.text(data) + " for " + expected);
				inOrder(next, 5 * expected + 2, wrong, open);
			}, null);
			client.getChildren(path, false, (code, where, context, names, stat) -> {
				if (code != 0 || names.size() != 1) wrong.add("children " + names);
				inOrder(next, 5 * expected + 3, wrong, open);
			}, null);
			client.delete(child, 0, (code, where, context) -> {
				if (code != 0) wrong.add("deleted, code " + code);
				inOrder(next, 5 * expected + 4, wrong, open);
			}, null);
		}
		Site.holds(open.await(40, TimeUnit.SECONDS), "all replies come, missing are " + open.getCount());
		Site.same(List.of(), wrong.subList(0, Math.min(5, wrong.size())), "what is wrong");
		return next.get();
	}

	private static void inOrder(AtomicInteger next, int expected, List<String> wrong, CountDownLatch open) {
		int at = next.getAndIncrement();
		if (at != expected) wrong.add("reply " + expected + " came at " + at);
		open.countDown();
	}

	@Check("jute.maxbuffer: a request of exactly that many bytes is served; one byte more costs the connection, not the session, and nobody else anything")
	static String largest(Site site) throws Exception {
		ZKClientConfig roomy = new ZKClientConfig();
		roomy.setProperty(ZKClientConfig.JUTE_MAXBUFFER, "" + 4 * MAX_BUFFER);
		List<Watcher.Event.KeeperState> states = new CopyOnWriteArrayList<>();
		ZooKeeper client = site.zooKeeper(site.connect, event -> states.add(event.getState()), roomy);
		ZooKeeper other = site.zooKeeper();
		List<Watcher.Event.KeeperState> others = new CopyOnWriteArrayList<>();
		other.register(event -> others.add(event.getState()));
		client.create(site.root, null, ClientOperations.OPEN, CreateMode.EPHEMERAL);
		// Header 8, lengths of path and data 4 each, version 4.
		int most = MAX_BUFFER - 20 - site.root.length();
		byte[] data = new byte[most];
		for (int i = 0; i < most; i++) data[i] = (byte) (i * 31);
		Stat set = client.setData(site.root, data, 0);
		Site.same(most, set.getDataLength(), "its length");
		Site.holds(java.util.Arrays.equals(data, client.getData(site.root, false, null)), "the same bytes come back");
		for (int i = 1; i <= 2; i++) {
			Site.fails(KeeperException.ConnectionLossException.class, () -> client.setData(site.root, new byte[most + 1], -1));
			Site.same(set, Site.reconnected(() -> client.exists(site.root, false)), "the node, of the same session, is as it was");
			Site.holds(other.exists("/", false) != null, "another client is served");
		}
		Site.same(List.of(), others, "what the other has heard");
		Site.holds(!states.contains(Watcher.Event.KeeperState.Expired), "the session lives");
		return set.getDataLength() + " bytes";
	}

	@Check("a list of children larger than jute.maxbuffer reaches a client that has room for it, and only that")
	static String manyChildren(Site site) throws Exception {
		ZKClientConfig roomy = new ZKClientConfig();
		roomy.setProperty(ZKClientConfig.JUTE_MAXBUFFER, "" + 4 * MAX_BUFFER);
		ZooKeeper client = site.zooKeeper(site.connect, event -> {}, roomy);
		client.create(site.root, null, ClientOperations.OPEN, CreateMode.PERSISTENT);
		int count = 6000;
		Replies created = new Replies(count);
		String name = "a-child-with-a-long-name-".repeat(8);
		for (int i = 0; i < count; i++) client.create(site.at(name + i), null, ClientOperations.OPEN, CreateMode.PERSISTENT, created.strings(), null);
		created.await();
		Site.same(count, client.getChildren(site.root, false).size(), "children");
		ZooKeeper narrow = site.zooKeeper();
		Site.fails(KeeperException.ConnectionLossException.class, () -> narrow.getChildren(site.root, false));
		Site.same(count, client.getAllChildrenNumber(site.root), "all below");
		return count + " children";
	}
}
