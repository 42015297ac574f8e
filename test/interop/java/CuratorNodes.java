import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.nodes.GroupMember;
import org.apache.curator.framework.recipes.nodes.PersistentNode;
import org.apache.curator.framework.recipes.nodes.PersistentTtlNode;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.data.Stat;

/** Nodes that recipes keep alive, and nodes that the server takes away. */
final class CuratorNodes {
	@Check("PersistentNode is there again after another deleted it, and after its session ended")
	static String persistentNode(Site site) throws Exception {
		CuratorFramework client = site.curator();
		CuratorFramework other = site.curator();
		PersistentNode node = site.keep(new PersistentNode(client, CreateMode.EPHEMERAL, false, site.at("node"), Site.bytes("data")));
		node.start();
		Site.holds(node.waitForInitialCreate(20, TimeUnit.SECONDS), "created");
		Stat first = other.checkExists().forPath(site.at("node"));
		other.delete().forPath(site.at("node"));
		Site.until("there again", () -> other.checkExists().forPath(site.at("node")) != null);
		site.killSession(client);
		Site.until("there in a new session", () -> {
			Stat stat = other.checkExists().forPath(site.at("node"));
			return stat != null && stat.getEphemeralOwner() != first.getEphemeralOwner();
		});
		node.setData(Site.bytes("new data"));
		Site.until("its data is new", () -> "new data".equals(Site.text(other.getData().forPath(site.at("node")))));
		node.close();
		Site.same(null, other.checkExists().forPath(site.at("node")), "after close");
		return "created three times";
	}

	@Check("33: PersistentTtlNode outlives its time while its owner touches it, and goes when it no longer does")
	static String persistentTtlNode(Site site) throws Exception {
		CuratorFramework client = site.curator();
		PersistentTtlNode node = site.keep(new PersistentTtlNode(client, site.at("node"), 1500, Site.bytes("data")));
		node.start();
		Site.holds(node.waitForInitialCreate(20, TimeUnit.SECONDS), "created");
		Stat stat = client.checkExists().forPath(site.at("node"));
		Site.same(0L, stat.getEphemeralOwner(), "22: the owner that clients see");
		long until = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(3200);
		Site.until("twice its time has passed", () -> {
			Site.holds(client.checkExists().forPath(site.at("node")) != null, "it is there");
			return System.nanoTime() > until;
		});
		Site.same(stat.getCzxid(), client.checkExists().forPath(site.at("node")).getCzxid(), "it is the same node");
		node.close();
		Site.until("it goes", () -> client.checkExists().forPath(site.at("node")) == null);
		return "kept, then gone";
	}

	@Check("33: TTL and container nodes without children are taken away by the server, TTL nodes with children stay")
	static String takenAway(Site site) throws Exception {
		CuratorFramework client = site.curatorWithContainers();
		client.create().creatingParentContainersIfNeeded().forPath(site.at("box/in/deep"), Site.bytes("x"));
		client.create().withTtl(1000).withMode(CreateMode.PERSISTENT_WITH_TTL).forPath(site.at("short"));
		client.create().withTtl(1000).withMode(CreateMode.PERSISTENT_WITH_TTL).forPath(site.at("parent"));
		client.create().forPath(site.at("parent/child"));
		String numbered = client.create().withTtl(1000).withMode(CreateMode.PERSISTENT_SEQUENTIAL_WITH_TTL).forPath(site.at("n-"));
		Site.holds(numbered.startsWith(site.at("n-00000")), "a sequence number in " + numbered);
		client.delete().forPath(site.at("box/in/deep"));
		Site.until("the containers go, the inner one first", () -> client.checkExists().forPath(site.at("box")) == null);
		Site.until("the TTL nodes go", () -> client.checkExists().forPath(site.at("short")) == null && client.checkExists().forPath(numbered) == null);
		Site.holds(client.checkExists().forPath(site.at("parent")) != null, "with a child it stays");
		client.delete().forPath(site.at("parent/child"));
		Site.until("it goes as well", () -> client.checkExists().forPath(site.at("parent")) == null);
		return "containers and TTL nodes";
	}

	@Check("GroupMember: members come, change and go, also by the end of a session")
	static String groupMember(Site site) throws Exception {
		CuratorFramework[] clients = {site.curator(), site.curator(), site.curator()};
		GroupMember[] members = new GroupMember[3];
		for (int i = 0; i < 3; i++) {
			members[i] = site.keep(new GroupMember(clients[i], site.at("group"), "m" + i, Site.bytes("d" + i)));
			members[i].start();
		}
		Site.until("three members", () -> List.of(members).stream().allMatch(member -> member.getCurrentMembers().size() == 3));
		members[1].setThisData(Site.bytes("changed"));
		Site.until("the change is seen", () -> "changed".equals(Site.text(members[0].getCurrentMembers().get("m1"))));
		site.killSession(clients[2]);
		Site.until("still three, or again", () -> members[0].getCurrentMembers().size() == 3 && clients[0].getChildren().forPath(site.at("group")).size() == 3);
		members[1].close();
		Site.until("two", () -> members[0].getCurrentMembers().size() == 2);
		return "3, then 2";
	}
}
