import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;

/**
 * A wire between a client and the server that can be cut. Cut, it drops what is connected and refuses what comes, until
 * it is mended; closed to newcomers, it keeps what is connected and refuses what comes; frozen, it does so too and carries
 * nothing more.
 */
final class Relay {
    private final ServerSocket door;
    private final String host;
    private final int port;
    private final List<Socket> open = new ArrayList<>();
    private boolean letsIn = true;
    private boolean isFrozen;

    /** @param server `HOST:PORT` */
    Relay(String server) throws IOException {
        int colon = server.lastIndexOf(':');
        host = server.substring(0, colon);
        port = Integer.parseInt(server.substring(colon + 1));
        door = new ServerSocket(0, 50, InetAddress.getByName("127.0.0.1"));
        start(this::letIn);
    }

    /** Where a client connects to. */
    String address() {
        return "127.0.0.1:" + door.getLocalPort();
    }

    synchronized void cut() {
        letsIn = false;
        isFrozen = false;
        notifyAll();
        for (Socket socket : open) {
            close(socket);
        }
        open.clear();
    }

    synchronized void closeToNewcomers() {
        letsIn = false;
    }

    synchronized void freeze() {
        letsIn = false;
        isFrozen = true;
    }

    synchronized void mend() {
        letsIn = true;
    }

    private void letIn() throws IOException {
        for (;;) {
            Socket client = door.accept();
            synchronized (this) {
                if (letsIn) {
                    join(client);
                } else {
                    close(client);
                }
            }
        }
    }

    private void join(Socket client) {
        try {
            Socket server = new Socket(host, port);
            server.setTcpNoDelay(true);
            client.setTcpNoDelay(true);
            open.add(client);
            open.add(server);
            start(() -> carry(client, server));
            start(() -> carry(server, client));
        } catch (IOException error) {
            close(client);
        }
    }

    /** Carries bytes until one side ends; then both do. */
    private void carry(Socket from, Socket to) throws IOException {
        byte[] some = new byte[65536];
        try (InputStream in = from.getInputStream(); OutputStream out = to.getOutputStream()) {
            for (int count = in.read(some); count >= 0; count = in.read(some)) {
                waitForThaw();
                out.write(some, 0, count);
            }
        } finally {
            close(from);
            close(to);
        }
    }

    private synchronized void waitForThaw() throws IOException {
        try {
            while (isFrozen) {
                wait();
            }
        } catch (InterruptedException error) {
            throw new IOException(error);
        }
    }

    private static void close(Socket socket) {
        try {
            socket.close();
        } catch (IOException error) {
            throw new IllegalStateException(error);
        }
    }

    private interface Work {
        void run() throws IOException;
    }

    /** A broken connection ends its thread quietly: that is what a cut is. */
    private static void start(Work work) {
        Thread thread = new Thread(() -> {
            try {
                work.run();
            } catch (IOException broken) {
                Thread.currentThread().interrupt();
            }
        });
        thread.setDaemon(true);
        thread.start();
    }
}
