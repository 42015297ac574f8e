import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.curator.framework.recipes.atomic.AtomicValue;
import org.apache.curator.framework.recipes.atomic.CachedAtomicLong;
import org.apache.curator.framework.recipes.atomic.DistributedAtomicInteger;
import org.apache.curator.framework.recipes.atomic.DistributedAtomicLong;
import org.apache.curator.framework.recipes.atomic.PromotedToLock;
import org.apache.curator.framework.recipes.barriers.DistributedBarrier;
import org.apache.curator.framework.recipes.barriers.DistributedDoubleBarrier;
import org.apache.curator.framework.recipes.shared.SharedCount;
import org.apache.curator.framework.recipes.shared.SharedValue;
import org.apache.curator.framework.recipes.shared.VersionedValue;
import org.apache.curator.retry.RetryNTimes;

/** Numbers and barriers that several clients share. */
final class CuratorCounters {
	@Check("DistributedAtomicLong: of 6 × 20 increments each counts once, the optimistic ones and those promoted to a lock")
	static String atomicLong(Site site) throws Exception {
		PromotedToLock lock = PromotedToLock.builder().lockPath(site.at("lock")).timeout(20, TimeUnit.SECONDS).retryPolicy(new RetryNTimes(5, 10)).build();
		AtomicInteger again = new AtomicInteger();
		Site.together(6, () -> {
			DistributedAtomicLong number = new DistributedAtomicLong(site.curator(), site.at("number"), new RetryNTimes(3, 5), lock);
			for (int i = 0; i < 20; i++) {
				while (!number.increment().succeeded()) again.incrementAndGet();
			}
			return null;
		});
		DistributedAtomicLong number = new DistributedAtomicLong(site.curator(), site.at("number"), new RetryNTimes(3, 5));
		Site.same(120L, number.get().postValue(), "the number");
		Site.holds(!number.compareAndSet(119L, 1L).succeeded(), "compareAndSet with a wrong value");
		Site.holds(number.compareAndSet(120L, 1000L).succeeded(), "compareAndSet with the right one");
		Site.holds(!number.initialize(5L), "initialize on a value");
		CachedAtomicLong cached = new CachedAtomicLong(number, 10);
		for (long i = 1; i <= 25; i++) Site.same(1000 + i, cached.next().postValue(), "a cached number");
		Site.same(1030L, number.get().postValue(), "three tens were taken");
		return "120 increments, " + again + " did not succeed at first";
	}

	@Check("DistributedAtomicInteger adds, subtracts and goes below zero")
	static String atomicInteger(Site site) throws Exception {
		DistributedAtomicInteger number = new DistributedAtomicInteger(site.curator(), site.at("number"), new RetryNTimes(3, 5));
		Site.holds(number.initialize(7), "initialize");
		number.add(5);
		number.subtract(20);
		AtomicValue<Integer> value = number.decrement();
		Site.same(-8, value.preValue(), "before");
		Site.same(-9, value.postValue(), "after");
		number.forceSet(3);
		Site.same(3, number.get().postValue(), "set");
		return "-9";
	}

	@Check("SharedCount and SharedValue: others see a change, and of two that set from one version one succeeds")
	static String shared(Site site) throws Exception {
		SharedCount mine = site.keep(new SharedCount(site.curator(), site.at("count"), 10));
		SharedCount theirs = site.keep(new SharedCount(site.curator(), site.at("count"), 99));
		mine.start();
		theirs.start();
		Site.same(10, theirs.getCount(), "the first seed holds");
		VersionedValue<Integer> version = mine.getVersionedValue();
		Site.holds(theirs.trySetCount(theirs.getVersionedValue(), 11), "the first to set");
		Site.holds(!mine.trySetCount(version, 12), "the second, from an old version");
		Site.until("mine is 11", () -> mine.getCount() == 11);
		mine.setCount(13);
		Site.until("theirs is 13", () -> theirs.getCount() == 13);

		SharedValue value = site.keep(new SharedValue(site.curator(), site.at("value"), Site.bytes("seed")));
		SharedValue other = site.keep(new SharedValue(site.curator(), site.at("value"), new byte[0]));
		value.start();
		other.start();
		value.setValue(Site.bytes("straße-日本語"));
		Site.until("the other has it", () -> "straße-日本語".equals(Site.text(other.getValue())));
		return "13";
	}

	@Check("DistributedBarrier holds all until it is taken away")
	static String barrier(Site site) throws Exception {
		DistributedBarrier barrier = new DistributedBarrier(site.curator(), site.at("barrier"));
		barrier.setBarrier();
		Site.holds(!barrier.waitOnBarrier(200, TimeUnit.MILLISECONDS), "it holds");
		AtomicInteger waiting = new AtomicInteger();
		AtomicInteger through = new AtomicInteger();
		Thread remover = new Thread(() -> {
			try {
				Site.until("three wait", () -> waiting.get() == 3);
				Site.same(0, through.get(), "through before it opens");
				barrier.removeBarrier();
			} catch (Exception error) {
				throw new IllegalStateException(error);
			}
		});
		remover.start();
		Site.together(3, () -> {
			DistributedBarrier mine = new DistributedBarrier(site.curator(), site.at("barrier"));
			waiting.incrementAndGet();
			Site.holds(mine.waitOnBarrier(20, TimeUnit.SECONDS), "it opens");
			through.incrementAndGet();
			return null;
		});
		return through + " through";
	}

	@Check("DistributedDoubleBarrier: five enter together and leave together")
	static String doubleBarrier(Site site) throws Exception {
		AtomicInteger before = new AtomicInteger();
		AtomicInteger inside = new AtomicInteger();
		AtomicInteger leaving = new AtomicInteger();
		Site.together(5, () -> {
			DistributedDoubleBarrier barrier = new DistributedDoubleBarrier(site.curator(), site.at("barrier"), 5);
			before.incrementAndGet();
			Site.holds(barrier.enter(20, TimeUnit.SECONDS), "it is entered");
			Site.same(5, before.get(), "all had come when one was in");
			inside.incrementAndGet();
			leaving.incrementAndGet();
			Site.holds(barrier.leave(20, TimeUnit.SECONDS), "it is left");
			Site.same(5, leaving.get(), "all wanted to leave when one was out");
			return null;
		});
		return inside + " in and out";
	}
}
