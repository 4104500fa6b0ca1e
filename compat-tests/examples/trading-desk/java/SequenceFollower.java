import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.Semaphore;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.api.CuratorWatcher;
import org.apache.curator.framework.state.ConnectionState;
import org.apache.zookeeper.KeeperException;

/**
 * Takes the children of a znode to which others append sequential znodes: each once, in order, for ever.
 *
 * A watch says that something changed, not what, and only once; several changes may hide behind one event. So the event
 * is used for nothing but to wake up: then the children are listed, with a watch again, and every one at or behind our
 * position is read. Nothing can be missed, whatever happened meanwhile, because the znodes stay where they are.
 *
 * A new connection wakes it too: a watch does not outlive its session.
 */
final class SequenceFollower implements AutoCloseable {
    /** Receives the next znode. */
    interface Taker {
        void take(String name, String text);
    }

    private final CuratorFramework client;
    private final String folder;
    private final Taker taker;
    private final Semaphore stirred = new Semaphore(0);
    private final CuratorWatcher watcher = event -> stirred.release();
    private int position = 0;
    private volatile boolean isClosed = false;

    SequenceFollower(CuratorFramework client, String folder, Taker taker) {
        this.client = client;
        this.folder = folder;
        this.taker = taker;
    }

    void start() {
        client.getConnectionStateListenable().addListener((same, state) -> {
            if (state == ConnectionState.RECONNECTED) {
                stirred.release();
            }
        });
        Thread thread = new Thread(this::run, "follower of " + folder);
        thread.setDaemon(true);
        thread.start();
    }

    /** Nothing is taken from now on; to be called before the client is closed. */
    @Override
    public void close() {
        isClosed = true;
        stirred.release();
    }

    /** Takes what is there now, in the calling thread. */
    synchronized void catchUp() throws Exception {
        List<String> names = client.getChildren().usingWatcher(watcher).forPath(folder);
        names.sort(null); // the numbers have ten digits, so the order of texts is theirs
        for (String name : names) {
            int number = Integer.parseInt(name.substring(name.lastIndexOf('-') + 1));
            if (number >= position) {
                byte[] data = client.getData().forPath(folder + "/" + name);
                taker.take(name, new String(data, StandardCharsets.UTF_8));
                position = number + 1;
            }
        }
    }

    private void run() {
        try {
            while (!isClosed) {
                try {
                    catchUp();
                } catch (KeeperException.ConnectionLossException | KeeperException.SessionExpiredException lost) {
                    // Position and znodes are where they were; the new connection wakes us.
                }
                stirred.acquire();
                stirred.drainPermits();
            }
        } catch (Exception broken) {
            if (!isClosed) {
                broken.printStackTrace();
                Runtime.getRuntime().halt(1);
            }
        }
    }
}
