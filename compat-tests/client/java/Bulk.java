import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.Op;
import org.apache.zookeeper.Watcher.Event.KeeperState;
import org.apache.zookeeper.data.Stat;

/** Much of it: data up to the limit of a frame and beyond, long paths, thousands of children. */
final class Bulk extends Stage {
    /** The most that a server takes in one frame, by its default `jute.maxbuffer`. */
    private static final int FRAME_BYTES_MAX = 0xfffff;

    Bulk(String server) {
        super(server);
    }

    void largeData() throws Exception {
        Client client = open("a");
        for (int length : new int[] {1, 4096, 65_535, 65_536, 500_000, 1_000_000}) {
            String path = "/large-" + length;
            client.sync.create(path, pattern(length, 1), OPEN, CreateMode.PERSISTENT);
            client.sync.get(path);
            client.async.set(path, pattern(length, 2), 0);
            client.async.get(path);
        }
        aroundTheLimit(client);
        transactions(client);
        longPaths(client);
        client.sync.childrenAndStat("/", null);
    }

    private static byte[] pattern(int length, int seed) {
        byte[] data = new byte[length];
        for (int at = 0; at < length; at++) {
            data[at] = (byte) (at * 31 + at / 251 + seed);
        }
        return data;
    }

    /** The longest frame that passes, and one byte more: the connection is lost, and comes back. */
    private static void aroundTheLimit(Client client) throws Exception {
        client.sync.create("/edge", "");
        String path = "/edge";
        int overhead = 8 + 4 + path.length() + 4 + 4;
        for (int extra : new int[] {-1, 0, 1, 1000, FRAME_BYTES_MAX}) {
            byte[] data = pattern(FRAME_BYTES_MAX - overhead + extra, 3);
            client.sync.set(path, data, -1);
            if (extra > 0) {
                client.until(KeeperState.SyncConnected);
            }
            client.sync.exists(path);
        }
    }

    private static void transactions(Client client) throws Exception {
        for (int count : new int[] {100, 1000, 1100}) {
            List<Op> ops = new ArrayList<>();
            for (int at = 0; at < count; at++) {
                ops.add(Op.create("/part-" + count + "-" + at, pattern(900, at), OPEN, CreateMode.PERSISTENT));
            }
            try {
                Trace.say("multi of " + count, client.zk.multi(ops).size());
            } catch (KeeperException error) {
                Trace.say("multi of " + count, error);
                client.until(KeeperState.SyncConnected);
            }
            client.sync.exists("/part-" + count + "-" + (count - 1));
            client.sync.exists("/");
        }
    }

    private static void longPaths(Client client) throws Exception {
        char[] letters = new char[100_000];
        Arrays.fill(letters, 'n');
        String name = "/" + new String(letters);
        Trace.say("a long name", client.zk.create(name, Trace.bytes("found"), OPEN, CreateMode.PERSISTENT).length());
        Stat stat = new Stat();
        Trace.say("its data", client.zk.getData(name, false, stat), stat);
        client.zk.delete(name, 0);
        StringBuilder path = new StringBuilder();
        for (int depth = 1; depth <= 500; depth++) {
            path.append("/d").append(depth);
            client.zk.create(path.toString(), null, OPEN, CreateMode.PERSISTENT);
        }
        Trace.say("a deep path", path.length(), client.zk.exists(path.toString(), false));
        client.sync.set(path.toString(), "deep", 0);
        client.sync.get(path.toString());
        client.sync.delete(path.substring(0, path.lastIndexOf("/")), -1);
    }

    void manyChildren() throws Exception {
        int count = 10_000;
        Client client = open("a");
        Client watching = open("b");
        client.sync.create("/crowd", "0");
        watching.sync.children("/crowd", watching.watcher("children"));
        Trace.say("created", pipelined(count, (at, codes) ->
                client.zk.create("/crowd/c" + at, Trace.bytes("d" + at), OPEN, CreateMode.PERSISTENT,
                        (code, path, context, name) -> codes.put(at, code, name.equals("/crowd/c" + at)), null)));
        watching.settle();
        summary(client);
        Trace.say("created again", pipelined(count, (at, codes) -> client.zk.create("/crowd/c" + at, null, OPEN,
                CreateMode.PERSISTENT, (code, path, context, name) -> codes.put(at, code, name == null), null)));
        Trace.say("in sequence", pipelined(count, (at, codes) -> client.zk.create("/crowd/s-", null, OPEN,
                CreateMode.EPHEMERAL_SEQUENTIAL, (code, path, context, name) ->
                        codes.put(at, code, name.equals(String.format("/crowd/s-%010d", count + at))), null)));
        summary(client);
        Trace.say("read", pipelined(count, (at, codes) -> watching.zk.getData("/crowd/c" + at, watching,
                (code, path, context, data, stat) ->
                        codes.put(at, code, Arrays.equals(data, Trace.bytes("d" + at)) && stat.getVersion() == 0), null)));
        Trace.say("set", pipelined(count, (at, codes) -> client.zk.setData("/crowd/c" + at, Trace.bytes("e"), 0,
                (code, path, context, stat) -> codes.put(at, code, stat.getVersion() == 1), null)));
        watching.await(count);
        Trace.say("deleted", pipelined(count, (at, codes) -> client.zk.delete("/crowd/c" + at, 1,
                (code, path, context) -> codes.put(at, code, true), null)));
        summary(client);
        watching.sync.children("/crowd", watching.watcher("children"));
        client.zk.close();
        summary(watching);
        watching.settle();
        watching.sync.delete("/crowd", 0);
    }

    private static void summary(Client client) throws Exception {
        Stat stat = new Stat();
        List<String> names = Calls.sorted(client.zk.getChildren("/crowd", false, stat));
        Trace.say("children", names.size(), Trace.bytes(String.join(",", names)), stat);
    }

    /** Codes of calls by their number. */
    private static final class Codes {
        private final AtomicIntegerArray codes;
        private final CountDownLatch open;

        Codes(int count) {
            codes = new AtomicIntegerArray(count);
            open = new CountDownLatch(count);
        }

        /** @param isAsExpected false counts as a code of its own, 1 */
        void put(int at, int code, boolean isAsExpected) {
            codes.set(at, isAsExpected ? code : 1);
            open.countDown();
        }
    }

    /** A call that reports to the codes. */
    private interface Send {
        void run(int at, Codes codes) throws Exception;
    }

    /** Sends so many calls without waiting. @return how often each code came */
    private static Object pipelined(int count, Send send) throws Exception {
        Codes codes = new Codes(count);
        for (int at = 0; at < count; at++) {
            send.run(at, codes);
        }
        waitFor(codes.open);
        TreeMap<String, Object> tally = new TreeMap<>();
        for (int at = 0; at < count; at++) {
            tally.merge(String.valueOf(codes.codes.get(at)), 1, (one, other) -> (Integer) one + (Integer) other);
        }
        return tally;
    }
}
