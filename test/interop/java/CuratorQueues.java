import java.util.ArrayList;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.queue.DistributedDelayQueue;
import org.apache.curator.framework.recipes.queue.DistributedIdQueue;
import org.apache.curator.framework.recipes.queue.DistributedPriorityQueue;
import org.apache.curator.framework.recipes.queue.DistributedQueue;
import org.apache.curator.framework.recipes.queue.MultiItem;
import org.apache.curator.framework.recipes.queue.QueueBuilder;
import org.apache.curator.framework.recipes.queue.QueueConsumer;
import org.apache.curator.framework.recipes.queue.QueueSerializer;
import org.apache.curator.framework.recipes.queue.SimpleDistributedQueue;
import org.apache.curator.framework.state.ConnectionState;

final class CuratorQueues {
	/** Items are texts. */
	static final QueueSerializer<String> TEXTS = new QueueSerializer<>() {
		@Override
		public byte[] serialize(String item) {
			return Site.bytes(item);
		}

		@Override
		public String deserialize(byte[] data) {
			return Site.text(data);
		}
	};

	interface Eater {
		void eat(String item) throws Exception;
	}

	static QueueConsumer<String> consumer(Eater eater) {
		return new QueueConsumer<>() {
			@Override
			public void consumeMessage(String item) throws Exception {
				eater.eat(item);
			}

			@Override
			public void stateChanged(CuratorFramework client, ConnectionState state) {}
		};
	}

	@Check("SimpleDistributedQueue: first in, first out; peek, poll with a time, take by several at once")
	static String simple(Site site) throws Exception {
		SimpleDistributedQueue queue = new SimpleDistributedQueue(site.curator(), site.at("queue"));
		Site.same(null, queue.poll(100, TimeUnit.MILLISECONDS), "an empty queue");
		for (int i = 0; i < 20; i++) queue.offer(Site.bytes("item" + i));
		Site.same("item0", Site.text(queue.peek()), "peek");
		Site.same("item0", Site.text(queue.element()), "element");
		List<String> taken = new ArrayList<>();
		for (int i = 0; i < 20; i++) taken.add(Site.text(queue.remove()));
		for (int i = 0; i < 20; i++) Site.same("item" + i, taken.get(i), "item " + i);
		Site.fails(NoSuchElementException.class, queue::element);

		Set<String> eaten = ConcurrentHashMap.newKeySet();
		AtomicInteger next = new AtomicInteger();
		Site.together(4, () -> {
			SimpleDistributedQueue mine = new SimpleDistributedQueue(site.curator(), site.at("queue"));
			for (int i = 0; i < 10; i++) mine.offer(Site.bytes("many" + next.incrementAndGet()));
			for (int i = 0; i < 10; i++) Site.holds(eaten.add(Site.text(mine.take())), "no item is taken twice");
			return null;
		});
		Site.same(40, eaten.size(), "items taken");
		return "60 items";
	}

	@Check("DistributedQueue: three consumers with a lock path get each of 120 items once, in batches too")
	static String queue(Site site) throws Exception {
		List<String> eaten = new CopyOnWriteArrayList<>();
		for (int i = 0; i < 3; i++) {
			site.keep(QueueBuilder.builder(site.curator(), consumer(eaten::add), TEXTS, site.at("queue")).lockPath(site.at("locks")).buildQueue()).start();
		}
		DistributedQueue<String> producer = site.keep(QueueBuilder.builder(site.curator(), null, TEXTS, site.at("queue")).buildQueue());
		producer.start();
		for (int i = 0; i < 60; i++) producer.put("item" + i);
		List<String> batch = new ArrayList<>();
		for (int i = 60; i < 120; i++) batch.add("item" + i);
		producer.putMulti(multiItem(batch));
		Site.holds(producer.flushPuts(20, TimeUnit.SECONDS), "all is put");
		Site.until("all is eaten", () -> eaten.size() >= 120);
		Site.same(120, Set.copyOf(eaten).size(), "different items");
		Site.same(120, eaten.size(), "items");
		return "120 items";
	}

	@Check("DistributedPriorityQueue: the lower number first, and in order within a priority")
	static String priorities(Site site) throws Exception {
		List<String> eaten = new CopyOnWriteArrayList<>();
		CuratorFramework client = site.curator();
		DistributedPriorityQueue<String> producer = site.keep(QueueBuilder.builder(client, null, TEXTS, site.at("queue")).buildPriorityQueue(0));
		producer.start();
		int[] priorities = {5, -3, 0, 5, 1, -3, 900, 0};
		for (int i = 0; i < priorities.length; i++) producer.put(priorities[i] + "#" + i, priorities[i]);
		Site.holds(producer.flushPuts(20, TimeUnit.SECONDS), "all is put");
		site.keep(QueueBuilder.builder(client, consumer(eaten::add), TEXTS, site.at("queue")).executor(Runnable::run).buildPriorityQueue(0)).start();
		Site.until("all is eaten", () -> eaten.size() == 8);
		Site.same(List.of("-3#1", "-3#5", "0#2", "0#7", "1#4", "5#0", "5#3", "900#6"), eaten, "the order");
		return String.join(" ", eaten);
	}

	@Check("DistributedDelayQueue: each item when its time has come, not before")
	static String delays(Site site) throws Exception {
		List<String> eaten = new CopyOnWriteArrayList<>();
		List<String> early = new CopyOnWriteArrayList<>();
		DistributedDelayQueue<String> queue = site.keep(
			QueueBuilder.builder(site.curator(), consumer(item -> {
				if (System.currentTimeMillis() < Long.parseLong(item.split("@")[1])) early.add(item);
				eaten.add(item.split("@")[0]);
			}), TEXTS, site.at("queue")).executor(Runnable::run).buildDelayQueue()
		);
		queue.start();
		long now = System.currentTimeMillis();
		String[] names = {"third", "first", "second"};
		int[] delays = {2100, 700, 1400};
		for (int i = 0; i < 3; i++) queue.put(names[i] + "@" + (now + delays[i]), now + delays[i]);
		Site.until("all is eaten", () -> eaten.size() == 3);
		Site.same(List.of("first", "second", "third"), eaten, "the order");
		Site.same(List.of(), early, "items that came early");
		return String.join(" ", eaten);
	}

	@Check("DistributedIdQueue: an item is taken back by its id")
	static String ids(Site site) throws Exception {
		CuratorFramework client = site.curator();
		DistributedIdQueue<String> producer = site.keep(QueueBuilder.builder(client, null, TEXTS, site.at("queue")).buildIdQueue());
		producer.start();
		for (String id : List.of("a", "b", "c")) producer.put("item " + id, id);
		Site.same(1, producer.remove("b"), "removed");
		Site.same(0, producer.remove("b"), "removed again");
		List<String> eaten = new CopyOnWriteArrayList<>();
		site.keep(QueueBuilder.builder(client, consumer(eaten::add), TEXTS, site.at("queue")).executor(Runnable::run).buildIdQueue()).start();
		Site.until("the others are eaten", () -> eaten.size() == 2);
		Site.same(List.of("item a", "item c"), eaten, "items");
		return String.join(", ", eaten);
	}

	private static MultiItem<String> multiItem(List<String> items) {
		AtomicInteger next = new AtomicInteger();
		return () -> next.get() < items.size() ? items.get(next.getAndIncrement()) : null;
	}
}
