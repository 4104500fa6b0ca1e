import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.zookeeper.Watcher.Event.KeeperState;
import org.apache.zookeeper.ZooDefs.Ids;
import org.apache.zookeeper.data.ACL;
import org.apache.zookeeper.data.Id;

/** Where scenarios play: the server's address, and sessions with it. */
abstract class Stage {
    static final int TIMEOUT_MS = 30_000;
    static final List<ACL> OPEN = Ids.OPEN_ACL_UNSAFE;

    /** A scenario. */
    interface Play {
        void run() throws Exception;
    }

    /** `HOST:PORT` of the server. */
    protected final String server;

    Stage(String server) {
        this.server = server;
    }

    /** Plays a scenario to its end, and ends the program: with 1 when it could not be played to the end. */
    static void play(Map<String, Play> scenarios, String name) {
        int status = 0;
        try {
            Play scenario = scenarios.get(name);
            if (scenario == null) {
                throw new IllegalArgumentException("no scenario " + name);
            }
            scenario.run();
            Trace.say("the end");
        } catch (Exception error) {
            error.printStackTrace();
            status = 1;
        }
        System.exit(status);
    }

    /** A connected session. */
    Client open(String name) throws Exception {
        return connected(new Client(name, server, TIMEOUT_MS));
    }

    /**
     * A connected session that is to outlive a restart. A server that is just starting may accept a connection and never
     * answer it; the client gives up after its timeout divided by the number of addresses, so it is given the one thrice.
     */
    Client openPatiently(String name) throws Exception {
        return connected(new Client(name, server + "," + server + "," + server, TIMEOUT_MS));
    }

    static Client connected(Client client) throws Exception {
        client.until(KeeperState.SyncConnected);
        return client;
    }

    /** A list of one entry. */
    static List<ACL> acl(int perms, String scheme, String id) {
        return Arrays.asList(new ACL(perms, new Id(scheme, id)));
    }

    /** Waits for what a callback or another thread counts down. */
    static void waitFor(CountDownLatch latch) throws InterruptedException {
        if (!latch.await(Client.PATIENCE_S, TimeUnit.SECONDS)) {
            throw new IllegalStateException(latch.getCount() + " are still missing");
        }
    }

    /** Lets this process wait until a condition holds, asking for it again and again. */
    static void eventually(String what, Calls.Attempt<Boolean> condition) throws Exception {
        long deadline = System.nanoTime() + Client.PATIENCE_S * 1_000_000_000L;
        while (!condition.run()) {
            if (System.nanoTime() > deadline) {
                throw new IllegalStateException("never: " + what);
            }
            Thread.sleep(10);
        }
        Trace.say("eventually", what);
    }
}
