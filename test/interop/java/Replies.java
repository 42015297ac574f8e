import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.zookeeper.AsyncCallback;
import org.apache.zookeeper.KeeperException;

/** Counts the replies to asynchronous requests; NoNode of an `exists` is a good one. */
final class Replies {
	private final CountDownLatch open;
	private final AtomicReference<String> error = new AtomicReference<>();

	Replies(int count) {
		open = new CountDownLatch(count);
	}

	AsyncCallback.StringCallback strings() {
		return (code, path, context, name) -> came(code, path);
	}

	AsyncCallback.DataCallback data() {
		return (code, path, context, data, stat) -> came(code, path);
	}

	AsyncCallback.StatCallback stats() {
		return (code, path, context, stat) -> came(code == KeeperException.Code.NONODE.intValue() ? 0 : code, path);
	}

	AsyncCallback.ChildrenCallback children() {
		return (code, path, context, names) -> came(code, path);
	}

	private void came(int code, String path) {
		if (code != 0) error.compareAndSet(null, KeeperException.Code.get(code) + " for " + path);
		open.countDown();
	}

	void await() throws InterruptedException {
		Site.holds(open.await(30, TimeUnit.SECONDS), "all replies come, missing are " + open.getCount());
		Site.same(null, error.get(), "the first error");
	}
}
