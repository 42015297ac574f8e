import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.state.ConnectionState;
import org.apache.curator.x.discovery.DownInstancePolicy;
import org.apache.curator.x.discovery.ServiceCache;
import org.apache.curator.x.discovery.ServiceDiscovery;
import org.apache.curator.x.discovery.ServiceDiscoveryBuilder;
import org.apache.curator.x.discovery.ServiceInstance;
import org.apache.curator.x.discovery.ServiceProvider;
import org.apache.curator.x.discovery.details.ServiceCacheListener;
import org.apache.curator.x.discovery.strategies.RoundRobinStrategy;
import org.apache.curator.x.discovery.strategies.StickyStrategy;
import org.apache.zookeeper.data.Stat;

final class CuratorDiscovery {
	@Check("ServiceDiscovery: instances are registered, found, updated and taken away, and are registered again in a new session")
	static String discovery(Site site) throws Exception {
		CuratorFramework client = site.curator();
		ServiceDiscovery<Map> discovery = discovery(site, client);
		ServiceInstance<Map> one = instance("web", "one", 8001);
		ServiceInstance<Map> two = instance("web", "two", 8002);
		discovery.registerService(one);
		discovery.registerService(two);
		discovery.registerService(instance("mail", "three", 25));

		ServiceDiscovery<Map> reader = discovery(site, site.curator());
		Site.same(Set.of("web", "mail"), Set.copyOf(reader.queryForNames()), "names");
		Site.same(Set.of("one", "two"), idsOf(reader), "instances of web");
		ServiceInstance<Map> found = reader.queryForInstance("web", "two");
		Site.same(8002, found.getPort(), "its port");
		Site.same("two", found.getPayload().get("name"), "its payload");
		discovery.updateService(instance("web", "two", 9002));
		Site.same(9002, reader.queryForInstance("web", "two").getPort(), "the port after the update");
		discovery.unregisterService(one);
		Site.same(Set.of("two"), idsOf(reader), "instances after one was taken away");
		site.killSession(client);
		CuratorFramework other = site.curator();
		Site.until("registered again", () -> {
			Stat stat = other.checkExists().forPath(site.at("services/web/two"));
			return stat != null && stat.getEphemeralOwner() == client.getZookeeperClient().getZooKeeper().getSessionId();
		});
		Site.same(null, reader.queryForInstance("web", "one"), "the one that was taken away");
		return "2 services";
	}

	@Check("ServiceProvider: round robin and sticky strategies, an instance that fails is left out")
	static String provider(Site site) throws Exception {
		ServiceDiscovery<Map> discovery = discovery(site, site.curator());
		for (int i = 0; i < 3; i++) discovery.registerService(instance("web", "i" + i, 8000 + i));
		ServiceProvider<Map> provider = site.keep(discovery.serviceProviderBuilder()
			.serviceName("web")
			.providerStrategy(new RoundRobinStrategy<>())
			.downInstancePolicy(new DownInstancePolicy(60, TimeUnit.SECONDS, 1))
			.build());
		provider.start();
		Site.until("three instances", () -> provider.getAllInstances().size() == 3);
		Map<String, Integer> turns = new HashMap<>();
		for (int i = 0; i < 9; i++) turns.merge(provider.getInstance().getId(), 1, Integer::sum);
		Site.same(Map.of("i0", 3, "i1", 3, "i2", 3), turns, "turns");
		provider.noteError(provider.getInstance());
		Set<String> left = new TreeSet<>();
		for (int i = 0; i < 9; i++) left.add(provider.getInstance().getId());
		Site.same(2, left.size(), "instances left");

		ServiceProvider<Map> sticky = site.keep(discovery.serviceProviderBuilder().serviceName("web").providerStrategy(new StickyStrategy<>(new RoundRobinStrategy<>())).build());
		sticky.start();
		Site.until("three instances", () -> sticky.getAllInstances().size() == 3);
		String first = sticky.getInstance().getId();
		for (int i = 0; i < 5; i++) Site.same(first, sticky.getInstance().getId(), "the sticky one");
		return turns.toString();
	}

	@Check("ServiceCache follows instances that come and go")
	static String cache(Site site) throws Exception {
		ServiceDiscovery<Map> discovery = discovery(site, site.curator());
		ServiceCache<Map> cache = site.keep(discovery(site, site.curator()).serviceCacheBuilder().name("web").build());
		AtomicInteger changes = new AtomicInteger();
		cache.addListener(new ServiceCacheListener() {
			@Override
			public void cacheChanged() {
				changes.incrementAndGet();
			}

			@Override
			public void stateChanged(CuratorFramework client, ConnectionState state) {}
		});
		cache.start();
		ServiceInstance<Map> one = instance("web", "one", 8001);
		discovery.registerService(one);
		Site.until("one", () -> cache.getInstances().size() == 1);
		discovery.registerService(instance("web", "two", 8002));
		Site.until("two", () -> cache.getInstances().size() == 2);
		discovery.unregisterService(one);
		Site.until("one left", () -> cache.getInstances().size() == 1);
		Site.same("two", cache.getInstances().get(0).getId(), "which");
		Site.until("three changes", () -> changes.get() >= 3);
		return "3 changes";
	}

	private static ServiceDiscovery<Map> discovery(Site site, CuratorFramework client) throws Exception {
		ServiceDiscovery<Map> discovery = site.keep(ServiceDiscoveryBuilder.builder(Map.class).client(client).basePath(site.at("services")).watchInstances(true).build());
		discovery.start();
		return discovery;
	}

	private static ServiceInstance<Map> instance(String service, String id, int port) throws Exception {
		return ServiceInstance.<Map>builder().name(service).id(id).address("127.0.0.1").port(port).payload(Map.of("name", id)).build();
	}

	private static Set<String> idsOf(ServiceDiscovery<Map> discovery) throws Exception {
		return List.copyOf(discovery.queryForInstances("web")).stream().map(ServiceInstance::getId).collect(Collectors.toSet());
	}
}
