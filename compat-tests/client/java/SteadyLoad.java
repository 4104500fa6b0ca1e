import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.KeeperException.BadVersionException;
import org.apache.zookeeper.KeeperException.ConnectionLossException;
import org.apache.zookeeper.KeeperException.SessionExpiredException;
import org.apache.zookeeper.Op;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.data.Stat;

/**
 * A steady load on an ensemble whose servers come and go, as README.md in the folder above tells it. One request after the
 * other until a line comes on the input.
 */
final class SteadyLoad extends Stage {
    private static final long PAUSE_MS = 4;

    private ZooKeeper zk;
    private String home;
    private int version;
    private int written;
    /** Whether the version is the znode's: after a lost call, another one may have become true. */
    private boolean isSure = true;

    SteadyLoad(String server) {
        super(server);
    }

    void play() throws Exception {
        zk = connected(new Client("load", server, 10_000)).zk;
        home = "/load/java";
        prepare();
        Trace.say("session", "0x" + Long.toHexString(zk.getSessionId()));
        try {
            for (int number = 1; !isToldToEnd(); number++) {
                try {
                    step(number);
                } catch (ConnectionLossException error) {
                    isSure = false;
                    Trace.say("lost", number, error);
                }
                Thread.sleep(PAUSE_MS);
            }
            Stat stat = zk.exists(home + "/live", false);
            Trace.say("live", stat != null && stat.getEphemeralOwner() == zk.getSessionId());
        } catch (SessionExpiredException error) {
            Trace.say("expired");
        }
    }

    private void prepare() throws Exception {
        try {
            zk.create("/load", new byte[0], OPEN, CreateMode.PERSISTENT);
        } catch (KeeperException.NodeExistsException error) {
            // Another client's load has made it.
        }
        zk.create(home, Trace.bytes("0"), OPEN, CreateMode.PERSISTENT);
        zk.create(home + "/live", new byte[0], OPEN, CreateMode.EPHEMERAL);
        zk.create(home + "/last", Trace.bytes("0"), OPEN, CreateMode.PERSISTENT);
    }

    private static boolean isToldToEnd() throws IOException {
        return System.in.available() > 0;
    }

    private void step(int number) throws Exception {
        if (!isSure) {
            look(true);
        }
        switch (number % 4) {
            case 0:
                String path = zk.create(home + "/n-", data(number), OPEN, CreateMode.PERSISTENT_SEQUENTIAL);
                Trace.say("created", path, number);
                break;
            case 1:
                set(number);
                break;
            case 2:
                look(false);
                break;
            default:
                commit(number);
        }
    }

    private void set(int number) throws Exception {
        try {
            version = zk.setData(home, data(number), version).getVersion();
        } catch (BadVersionException error) {
            if (isSure) {
                Trace.say("broken", "another version than " + version);
            }
            isSure = false;
            return;
        }
        written = number;
        isSure = true;
        Trace.say("set", version, number);
    }

    private void commit(int number) throws Exception {
        List<Op> parts = Arrays.asList(
                Op.create(home + "/t-" + number, data(number), OPEN, CreateMode.PERSISTENT),
                Op.setData(home + "/last", data(number), -1),
                Op.check(home, -1));
        zk.multi(parts);
        Trace.say("committed", number);
    }

    /** Reads what was written last: nothing older may be seen. */
    private void look(boolean believes) throws Exception {
        Stat stat = new Stat();
        int number = Integer.parseInt(new String(zk.getData(home, false, stat)));
        if (stat.getVersion() < version || number < written) {
            Trace.say("broken", "read version " + stat.getVersion() + " after " + version);
        }
        if (believes) {
            version = stat.getVersion();
            written = number;
        }
    }

    private static byte[] data(int number) {
        return Trace.bytes(String.valueOf(number));
    }
}
