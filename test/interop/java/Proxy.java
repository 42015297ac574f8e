import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/** A line to the server that can be cut, and that counts the requests of clients by their operation code. */
final class Proxy implements AutoCloseable {
	private final ServerSocket door = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
	private final String host;
	private final int port;
	private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();
	private final Map<Integer, AtomicInteger> requests = new ConcurrentHashMap<>();
	private volatile boolean refusing;
	/** Bytes are held back while it is set: both sides believe in the connection. */
	private volatile boolean silent;

	Proxy(String connect) throws IOException {
		String[] parts = connect.split(":");
		host = parts[0];
		port = Integer.parseInt(parts[1]);
		thread(this::accept);
	}

	String address() {
		return "127.0.0.1:" + door.getLocalPort();
	}

	/** How many requests with this operation code clients have sent. */
	int requests(int operation) {
		AtomicInteger count = requests.get(operation);
		return count == null ? 0 : count.get();
	}

	/** Cuts all connections; there are no new ones before `restore`. */
	void cut() {
		refusing = true;
		sockets.forEach(Proxy::end);
	}

	void hush() {
		silent = true;
	}

	void restore() {
		if (silent) sockets.forEach(Proxy::end);
		silent = false;
		refusing = false;
	}

	@Override
	public void close() throws IOException {
		door.close();
		cut();
	}

	private void accept() {
		try {
			while (true) {
				Socket client = door.accept();
				if (refusing) {
					client.close();
					continue;
				}
				Socket server = new Socket(host, port);
				client.setTcpNoDelay(true);
				server.setTcpNoDelay(true);
				sockets.add(client);
				sockets.add(server);
				thread(() -> relayFrames(client, server));
				thread(() -> relayBytes(server, client));
			}
		} catch (IOException closed) {
			// The proxy is closed, or the server is away: then its clients see nothing but ends of connections.
			if (!door.isClosed()) thread(this::accept);
		}
	}

	private void relayFrames(Socket from, Socket to) {
		try {
			DataInputStream in = new DataInputStream(from.getInputStream());
			DataOutputStream out = new DataOutputStream(to.getOutputStream());
			boolean handshake = true;
			while (true) {
				int length = in.readInt();
				byte[] frame = in.readNBytes(length);
				if (frame.length < length) break;
				// After the handshake each frame begins with xid and operation code.
				if (!handshake) requests.computeIfAbsent(ByteBuffer.wrap(frame).getInt(4), code -> new AtomicInteger()).incrementAndGet();
				handshake = false;
				if (silent) continue;
				out.write(ByteBuffer.allocate(length + 4).putInt(length).put(frame).array());
			}
		} catch (IOException cut) {
			// Either side has gone.
		}
		end(from);
		end(to);
	}

	private void relayBytes(Socket from, Socket to) {
		try {
			InputStream in = from.getInputStream();
			byte[] buffer = new byte[1 << 16];
			for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
				if (!silent) to.getOutputStream().write(buffer, 0, count);
			}
		} catch (IOException cut) {
			// Either side has gone.
		}
		end(from);
		end(to);
	}

	private static void end(Socket socket) {
		try {
			socket.close();
		} catch (IOException gone) {
			// Then there is nothing to end.
		}
	}

	private static void thread(Runnable work) {
		Thread thread = new Thread(work, "proxy");
		thread.setDaemon(true);
		thread.start();
	}
}
