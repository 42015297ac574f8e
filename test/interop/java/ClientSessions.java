import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import javax.security.auth.login.AppConfigurationEntry;
import javax.security.auth.login.Configuration;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.Watcher;
import org.apache.zookeeper.Watcher.Event.KeeperState;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.client.ZKClientConfig;

final class ClientSessions {
	/** A client that can leave without closing its session. */
	private static final class Leaving extends ZooKeeper {
		Leaving(String address, int sessionMs, Watcher watcher) throws java.io.IOException {
			super(address, sessionMs, watcher);
		}

		void leave() {
			cnxn.disconnect();
		}
	}

	@Check("58: the session's timeout is brought between 2 and 20 ticks")
	static String timeouts(Site site) throws Exception {
		int[] asked = {500, 5000, 3_600_000};
		int[] granted = {1000, 5000, 10_000};
		for (int i = 0; i < 3; i++) {
			ZooKeeper client = site.keep(new ZooKeeper(site.connect, asked[i], event -> {}));
			Site.until("connected", () -> client.getState() == ZooKeeper.States.CONNECTED);
			Site.same(granted[i], client.getSessionTimeout(), "granted for " + asked[i]);
		}
		return "1000, 5000, 10000";
	}

	@Check("a session is taken over by another object with id and password: the ephemeral stays, a new password is not given")
	static String attach(Site site) throws Exception {
		ZooKeeper observer = site.zooKeeper();
		Leaving first = site.keep(new Leaving(site.connect, Site.SESSION_MS, event -> {}));
		Site.until("connected", () -> first.getState() == ZooKeeper.States.CONNECTED);
		first.create(site.root, null, ClientOperations.OPEN, CreateMode.EPHEMERAL);
		long session = first.getSessionId();
		first.leave();
		ZooKeeper second = site.attach(first, event -> {});
		Site.same(session, second.getSessionId(), "the session");
		Site.holds(java.util.Arrays.equals(first.getSessionPasswd(), second.getSessionPasswd()), "the password");
		Site.same(List.of(site.root), second.getEphemerals(), "its ephemerals");
		Site.same(session, observer.exists(site.root, false).getEphemeralOwner(), "the owner");
		second.close();
		Site.same(null, observer.exists(site.root, false), "63: after close");
		return "0x" + Long.toHexString(session);
	}

	@Check("60: a wrong password and an ended session are Expired, and the session whose password was guessed lives on")
	static String wrongPassword(Site site) throws Exception {
		ZooKeeper real = site.zooKeeper();
		real.create(site.root, null, ClientOperations.OPEN, CreateMode.EPHEMERAL);
		Site.same(KeeperState.Expired, stateOf(site, real.getSessionId(), new byte[16]), "with a wrong password");
		// The guess has cost the real one its connection.
		Site.same(real.getSessionId(), Site.reconnected(() -> real.exists(site.root, false)).getEphemeralOwner(), "the owner");
		real.close();
		Site.same(KeeperState.Expired, stateOf(site, real.getSessionId(), real.getSessionPasswd()), "after close");
		return "Expired twice";
	}

	private static KeeperState stateOf(Site site, long session, byte[] password) throws Exception {
		CompletableFuture<KeeperState> state = new CompletableFuture<>();
		ZooKeeper client = site.keep(new ZooKeeper(site.connect, Site.SESSION_MS, event -> state.complete(event.getState()), session, password));
		KeeperState seen = state.get(20, TimeUnit.SECONDS);
		Site.fails(KeeperException.SessionExpiredException.class, () -> client.exists("/", false));
		return seen;
	}

	@Check("65: a session that moves to another connection is taken from the first, which is disconnected and, after close, Expired")
	static String moved(Site site) throws Exception {
		List<KeeperState> states = new CopyOnWriteArrayList<>();
		ZooKeeper first = site.zooKeeper(site.connect, event -> states.add(event.getState()));
		ZooKeeper second = site.attach(first, event -> {});
		Site.until("the first is disconnected", () -> states.contains(KeeperState.Disconnected));
		second.close();
		site.killSession(first);
		Site.until("Expired", () -> states.contains(KeeperState.Expired));
		return states.toString();
	}

	@Check("an idle client with a session of two seconds lives on by its pings")
	static String pings(Site site) throws Exception {
		ZooKeeper client = site.keep(new ZooKeeper(site.connect, 2000, event -> {}));
		Site.until("connected", () -> client.getState() == ZooKeeper.States.CONNECTED);
		client.create(site.root, null, ClientOperations.OPEN, CreateMode.EPHEMERAL);
		long session = client.getSessionId();
		long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(6);
		ZooKeeper observer = site.zooKeeper();
		Site.until("six seconds have passed", () -> {
			Site.holds(observer.exists(site.root, false) != null, "it lives");
			return System.nanoTime() > until;
		});
		Site.same(session, client.getSessionId(), "the session");
		return "6 s";
	}

	@Check("67: a client that could be read-only is connected for writing")
	static String readOnlyFlag(Site site) throws Exception {
		ZooKeeper client = site.keep(new ZooKeeper(site.connect, Site.SESSION_MS, event -> {}, true));
		Site.until("connected", () -> client.getState().isConnected());
		Site.same(ZooKeeper.States.CONNECTED, client.getState(), "its state");
		client.create(site.root, null, ClientOperations.OPEN, CreateMode.PERSISTENT);
		return client.getState().name();
	}

	@Check("a client that would speak SASL is told AuthFailed, as by a ZooKeeper that has none, and one told not to works")
	static String sasl(Site site) throws Exception {
		Map<String, String> options = new HashMap<>(Map.of("username", "anna", "password", "secret"));
		Configuration.setConfiguration(new Configuration() {
			@Override
			public AppConfigurationEntry[] getAppConfigurationEntry(String name) {
				if (!name.equals("Interop")) return null;
				String module = "org.apache.zookeeper.server.auth.DigestLoginModule";
				return new AppConfigurationEntry[] {new AppConfigurationEntry(module, AppConfigurationEntry.LoginModuleControlFlag.REQUIRED, options)};
			}
		});
		ZKClientConfig wants = new ZKClientConfig();
		wants.setProperty(ZKClientConfig.LOGIN_CONTEXT_NAME_KEY, "Interop");
		List<KeeperState> states = new CopyOnWriteArrayList<>();
		ZooKeeper client = site.zooKeeper(site.connect, event -> states.add(event.getState()), wants);
		Site.fails(KeeperException.AuthFailedException.class, () -> client.exists("/", false));
		Site.until("it is told", () -> states.contains(KeeperState.AuthFailed));
		ZKClientConfig none = new ZKClientConfig();
		none.setProperty(ZKClientConfig.ENABLE_CLIENT_SASL_KEY, "false");
		ZooKeeper without = site.zooKeeper(site.connect, event -> {}, none);
		Site.holds(without.exists("/", false) != null, "the one without works");
		return states.toString();
	}
}
