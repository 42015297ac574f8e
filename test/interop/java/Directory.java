import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.x.discovery.ServiceDiscovery;
import org.apache.curator.x.discovery.ServiceDiscoveryBuilder;
import org.apache.curator.x.discovery.ServiceInstance;
import org.apache.curator.x.discovery.ServiceProvider;

/** A program with Curator's ServiceDiscovery, beside one that is not Java: server, path. It registers itself, and tells each change of who takes requests. */
final class Directory {
	public static void main(String[] args) throws Exception {
		try (Site site = new Site(args[0], args[1])) {
			CuratorFramework client = site.curatorWithContainers();
			ServiceDiscovery<Map> discovery = site.keep(ServiceDiscoveryBuilder.builder(Map.class).client(client).basePath(site.at("services")).build());
			discovery.start();
			ServiceInstance<Map> own = ServiceInstance.<Map>builder().name("web").id("curators").address("10.0.0.1").port(8001).payload(Map.of("made", "by Curator")).build();
			discovery.registerService(own);
			Checks.say("registered");
			ServiceProvider<Map> provider = site.keep(discovery.serviceProviderBuilder().serviceName("web").build());
			provider.start();
			String last = "";
			while (!last.equals("nobody")) {
				String now = described(provider.getAllInstances());
				if (!now.equals(last)) Checks.say(now);
				last = now;
				if (now.endsWith("leave")) discovery.unregisterService(own);
				Thread.sleep(20);
			}
		}
		System.exit(0);
	}

	private static String described(Iterable<ServiceInstance<Map>> instances) {
		List<String> texts = new java.util.ArrayList<>();
		for (ServiceInstance<Map> one : instances) texts.add(one.getId() + "=" + one.getAddress() + ":" + one.getPort() + " " + one.getPayload().get("made"));
		return texts.isEmpty() ? "nobody" : texts.stream().sorted().collect(Collectors.joining(", "));
	}
}
