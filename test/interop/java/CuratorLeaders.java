import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.leader.LeaderLatch;
import org.apache.curator.framework.recipes.leader.LeaderLatchListener;
import org.apache.curator.framework.recipes.leader.LeaderSelector;
import org.apache.curator.framework.recipes.leader.LeaderSelectorListenerAdapter;
import org.apache.curator.framework.recipes.leader.Participant;

final class CuratorLeaders {
	@Check("LeaderLatch: of five exactly one leads, and the next when it closes, until none is left")
	static String latch(Site site) throws Exception {
		List<LeaderLatch> latches = new ArrayList<>();
		for (int i = 0; i < 5; i++) {
			LeaderLatch latch = site.keep(new LeaderLatch(site.curatorWithContainers(), site.at("latch"), "id" + i));
			latch.start();
			latches.add(latch);
		}
		List<String> reign = new ArrayList<>();
		while (!latches.isEmpty()) {
			LeaderLatch leader = onlyLeader(latches);
			Site.until("all are in line", () -> latches.get(0).getParticipants().size() == latches.size());
			Participant known = latches.get(latches.size() - 1).getLeader();
			Site.same(leader.getId(), known.getId(), "the leader as another sees it");
			reign.add(leader.getId());
			latches.remove(leader);
			leader.close(LeaderLatch.CloseMode.NOTIFY_LEADER);
			Site.holds(!leader.hasLeadership(), "a closed latch does not lead");
		}
		Site.same(5, Set.copyOf(reign).size(), "leaders in all");
		return String.join(", ", reign);
	}

	@Check("LeaderLatch: a leader whose session ends is told so, another leads, and the first stands in line again")
	static String latchLosesSession(Site site) throws Exception {
		CuratorFramework client = site.curatorWithContainers();
		LeaderLatch first = site.keep(new LeaderLatch(client, site.at("latch"), "first"));
		List<String> told = new CopyOnWriteArrayList<>();
		first.addListener(new LeaderLatchListener() {
			@Override
			public void isLeader() {
				told.add("leader");
			}

			@Override
			public void notLeader() {
				told.add("not leader");
			}
		});
		first.start();
		Site.holds(first.await(20, TimeUnit.SECONDS), "the first leads");
		LeaderLatch second = site.keep(new LeaderLatch(site.curatorWithContainers(), site.at("latch"), "second"));
		second.start();
		Site.until("two in line", () -> first.getParticipants().size() == 2);
		site.killSession(client);
		Site.holds(second.await(20, TimeUnit.SECONDS), "the second leads");
		Site.until("the first is told", () -> told.contains("not leader"));
		Site.until("it stands in line again", () -> second.getParticipants().size() == 2);
		second.close();
		Site.holds(first.await(20, TimeUnit.SECONDS), "the first leads again");
		Site.until("three words", () -> told.size() == 3);
		return String.join(", ", told);
	}

	@Check("LeaderSelector: three that queue again lead in turn, never two at once")
	static String selector(Site site) throws Exception {
		AtomicInteger leading = new AtomicInteger();
		AtomicInteger wrong = new AtomicInteger();
		Set<String> led = ConcurrentHashMap.newKeySet();
		CountDownLatch turns = new CountDownLatch(15);
		for (int i = 0; i < 3; i++) {
			String id = "id" + i;
			LeaderSelector selector = site.keep(new LeaderSelector(site.curatorWithContainers(), site.at("leader"), new LeaderSelectorListenerAdapter() {
				@Override
				public void takeLeadership(CuratorFramework client) {
					if (leading.incrementAndGet() > 1) wrong.incrementAndGet();
					led.add(id);
					turns.countDown();
					leading.decrementAndGet();
				}
			}));
			selector.setId(id);
			selector.autoRequeue();
			selector.start();
		}
		Site.holds(turns.await(20, TimeUnit.SECONDS), "fifteen turns");
		Site.same(0, wrong.get(), "two leaders at once");
		Site.until("each has led", () -> led.size() == 3);
		return "15 turns";
	}

	@Check("LeaderSelector: leadership is interrupted by word and by the end of the session")
	static String selectorInterrupted(Site site) throws Exception {
		CuratorFramework client = site.curatorWithContainers();
		CountDownLatch[] began = {new CountDownLatch(1), new CountDownLatch(1), new CountDownLatch(1)};
		List<String> ended = new CopyOnWriteArrayList<>();
		LeaderSelector selector = site.keep(new LeaderSelector(client, site.at("leader"), new LeaderSelectorListenerAdapter() {
			@Override
			public void takeLeadership(CuratorFramework framework) {
				began[ended.size()].countDown();
				try {
					Thread.sleep(60_000);
				} catch (InterruptedException interrupted) {
					ended.add("interrupted");
				}
			}
		}));
		selector.autoRequeue();
		selector.start();
		Site.holds(began[0].await(20, TimeUnit.SECONDS), "it leads");
		Site.until("it knows", selector::hasLeadership);
		selector.interruptLeadership();
		Site.holds(began[1].await(20, TimeUnit.SECONDS), "it leads again");
		site.killSession(client);
		Site.holds(began[2].await(20, TimeUnit.SECONDS), "and again in a new session");
		return ended.size() + " times interrupted";
	}

	private static LeaderLatch onlyLeader(List<LeaderLatch> latches) throws Exception {
		Site.until("one leads", () -> latches.stream().anyMatch(LeaderLatch::hasLeadership));
		List<LeaderLatch> leaders = new ArrayList<>(latches);
		leaders.removeIf(latch -> !latch.hasLeadership());
		Site.same(1, leaders.size(), "leaders");
		return leaders.get(0);
	}
}
