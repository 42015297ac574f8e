import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.framework.state.ConnectionState;
import org.apache.curator.retry.RetryNTimes;
import org.apache.zookeeper.CreateMode;

final class CuratorSessions {
	@Check("60: a session that ends on the server is LOST to its client, which goes on in a new one")
	static String killed(Site site) throws Exception {
		CuratorFramework client = site.builder().build();
		List<ConnectionState> states = states(client);
		site.start(client);
		client.create().creatingParentsIfNeeded().withMode(CreateMode.EPHEMERAL).forPath(site.at("mine"));
		long session = client.getZookeeperClient().getZooKeeper().getSessionId();
		site.killSession(client);
		Site.until("LOST and RECONNECTED", () -> states.contains(ConnectionState.LOST) && states.get(states.size() - 1) == ConnectionState.RECONNECTED);
		Site.holds(client.getZookeeperClient().getZooKeeper().getSessionId() != session, "another session");
		Site.same(null, client.checkExists().forPath(site.at("mine")), "63: the ephemeral of the old one");
		return states.toString();
	}

	@Check("62: a client that falls silent loses session and lock on the server, and others get the lock")
	static String expired(Site site) throws Exception {
		Proxy proxy = site.keep(new Proxy(site.connect));
		CuratorFramework silent = site.builder().connectString(proxy.address()).sessionTimeoutMs(2000).retryPolicy(new RetryNTimes(100, 100)).build();
		List<ConnectionState> states = states(silent);
		site.start(silent);
		InterProcessMutex held = new InterProcessMutex(silent, site.at("lock"));
		held.acquire();
		InterProcessMutex other = new InterProcessMutex(site.curator(), site.at("lock"));
		long began = System.nanoTime();
		proxy.hush();
		Site.holds(other.acquire(20, TimeUnit.SECONDS), "another gets the lock");
		long tookMs = (System.nanoTime() - began) / 1_000_000;
		// The last sign of life was at most a ping's interval before the silence.
		Site.holds(tookMs >= 1000 && tookMs < 10_000, "it takes about the session's timeout, was " + tookMs + " ms");
		proxy.restore();
		Site.until("LOST and RECONNECTED", () -> states.contains(ConnectionState.LOST) && states.get(states.size() - 1) == ConnectionState.RECONNECTED);
		other.release();
		InterProcessMutex again = new InterProcessMutex(silent, site.at("lock"));
		Site.holds(again.acquire(20, TimeUnit.SECONDS), "the first gets it again, in a new session");
		return tookMs + " ms, " + states;
	}

	@Check("a connection cut for less than the session's time is SUSPENDED and RECONNECTED: ephemeral and lock stay")
	static String suspended(Site site) throws Exception {
		Proxy proxy = site.keep(new Proxy(site.connect));
		CuratorFramework client = site.builder().connectString(proxy.address()).build();
		List<ConnectionState> states = states(client);
		site.start(client);
		CuratorFramework other = site.curator();
		InterProcessMutex held = new InterProcessMutex(client, site.at("lock"));
		held.acquire();
		client.create().withMode(CreateMode.EPHEMERAL).forPath(site.at("mine"));
		long session = client.getZookeeperClient().getZooKeeper().getSessionId();
		for (int i = 0; i < 3; i++) {
			int cuts = i + 1;
			proxy.cut();
			Site.until("SUSPENDED", () -> count(states, ConnectionState.SUSPENDED) == cuts);
			Site.same(session, other.checkExists().forPath(site.at("mine")).getEphemeralOwner(), "the owner meanwhile");
			proxy.restore();
			Site.until("RECONNECTED", () -> count(states, ConnectionState.RECONNECTED) == cuts);
		}
		Site.same(session, client.getZookeeperClient().getZooKeeper().getSessionId(), "the session");
		Site.same(session, other.checkExists().forPath(site.at("mine")).getEphemeralOwner(), "the owner");
		Site.holds(!new InterProcessMutex(other, site.at("lock")).acquire(300, TimeUnit.MILLISECONDS), "the lock is held");
		held.release();
		return states.toString();
	}

	static List<ConnectionState> states(CuratorFramework client) {
		List<ConnectionState> states = new CopyOnWriteArrayList<>();
		client.getConnectionStateListenable().addListener((framework, state) -> states.add(state));
		return states;
	}

	static long count(List<ConnectionState> states, ConnectionState state) {
		return states.stream().filter(one -> one == state).count();
	}
}
