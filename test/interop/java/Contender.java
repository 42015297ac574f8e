import org.apache.curator.framework.CuratorFramework;
import org.apache.zookeeper.KeeperException;

/** One of several processes that count up under the same lock: server, path, threads, rounds. Prints what it found at its end. */
final class Contender {
	public static void main(String[] args) throws Exception {
		try (Site site = new Site(args[0], args[1])) {
			CuratorFramework first = site.curator();
			try {
				first.create().creatingParentsIfNeeded().forPath(site.at("counter"), Site.bytes("0:0"));
			} catch (KeeperException.NodeExistsException another) {
				// Another process was first.
			}
			Site.together(Integer.parseInt(args[2]), () -> {
				CuratorFramework client = site.curator();
				CuratorLocks.Fenced mutex = new CuratorLocks.Fenced(client, site.at("lock"));
				for (int i = 0; i < Integer.parseInt(args[3]); i++) CuratorLocks.increment(client, mutex, site.at("counter"));
				return null;
			});
			Checks.say("counter " + Site.text(first.getData().forPath(site.at("counter"))).split(":")[0]);
		}
		System.exit(0);
	}
}
