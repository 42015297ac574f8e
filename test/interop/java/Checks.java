import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;

/** Runs the checks of the named classes, several at a time, and prints one line for each: ok or failed, title, milliseconds, what was seen. */
final class Checks {
	private static final int AT_ONCE = 6;
	private static final int LIMIT_S = 60;
	/** Checks may run again on the same server. */
	private static final String RUN = Long.toString(System.currentTimeMillis(), 36);

	public static void main(String[] args) throws Exception {
		try (Site site = new Site(args[0], "/")) {
			// Without a server each check would wait for it in vain.
			site.zooKeeper();
		}
		List<Method> methods = new ArrayList<>();
		for (String name : args[1].split(",")) {
			for (Method method : Class.forName(name).getDeclaredMethods()) {
				if (method.isAnnotationPresent(Check.class)) methods.add(method);
			}
		}
		run(args[0], methods, AT_ONCE);
		System.exit(0);
	}

	static void run(String connect, Class<?> program) {
		List<Method> methods = Arrays.stream(program.getDeclaredMethods())
			.filter(method -> method.isAnnotationPresent(Check.class))
			.collect(Collectors.toList());
		run(connect, methods, 1);
	}

	private static void run(String connect, List<Method> methods, int atOnce) {
		ExecutorService lanes = Executors.newFixedThreadPool(atOnce);
		methods.forEach(method -> lanes.execute(() -> report(connect, method)));
		lanes.shutdown();
		try {
			lanes.awaitTermination(10, TimeUnit.MINUTES);
		} catch (InterruptedException error) {
			throw new IllegalStateException(error);
		}
	}

	private static void report(String connect, Method method) {
		long began = System.nanoTime();
		String title = method.getAnnotation(Check.class).value();
		String outcome = "ok";
		String seen;
		ExecutorService lane = Executors.newSingleThreadExecutor();
		try (Site site = new Site(connect, "/" + method.getDeclaringClass().getSimpleName() + "-" + method.getName() + "-" + RUN)) {
			Future<Object> result = lane.submit(() -> method.invoke(null, site));
			seen = String.valueOf(result.get(LIMIT_S, TimeUnit.SECONDS));
		} catch (TimeoutException error) {
			outcome = "failed";
			seen = "not done after " + LIMIT_S + " s, threads: " + whereOurThreadsAre();
		} catch (Throwable error) {
			outcome = "failed";
			seen = describe(error);
		} finally {
			lane.shutdownNow();
		}
		long took = (System.nanoTime() - began) / 1_000_000;
		say(outcome + "\t" + title + "\t" + took + "\t" + seen);
	}

	/** A whole line in one write, for other threads print as well. */
	static void say(String line) {
		byte[] bytes = (line.replace('\n', '|').replace('\r', ' ') + "\n").getBytes(java.nio.charset.StandardCharsets.UTF_8);
		synchronized (System.out) {
			System.out.write(bytes, 0, bytes.length);
			System.out.flush();
		}
	}

	private static String describe(Throwable error) {
		StringBuilder text = new StringBuilder();
		for (Throwable cause = error; cause != null; cause = cause.getCause()) {
			if (cause instanceof InvocationTargetException || cause instanceof java.util.concurrent.ExecutionException) continue;
			text.append(cause).append(ours(cause.getStackTrace())).append("; ");
		}
		return text.toString();
	}

	private static String whereOurThreadsAre() {
		return Thread.getAllStackTraces().values().stream().map(Checks::ours).filter(place -> !place.isEmpty()).distinct().collect(Collectors.joining(" |"));
	}

	/** The frames of these sources, which are in no package. */
	private static String ours(StackTraceElement[] frames) {
		return Arrays.stream(frames)
			.filter(frame -> !frame.getClassName().contains("."))
			.limit(6)
			.map(frame -> " at " + frame.getFileName() + ":" + frame.getLineNumber())
			.collect(Collectors.joining());
	}
}
