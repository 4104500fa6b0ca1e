import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.state.ConnectionState;
import org.apache.curator.retry.RetryNTimes;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.data.Stat;

/**
 * The stage for one recipe: clients, each with its own session, the restart in the middle, and what was seen, one JSON
 * value a line.
 *
 * What is said must be the same at every run. So only the main thread speaks, it waits for conditions and never for a time,
 * and what a race decides is not said. Sessions outlive every restart: their timeout is far longer than one takes.
 */
final class Scene {
    static final int PATIENCE_S = 30;
    private static final int SESSION_MS = 30_000;
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final BufferedReader INPUT = new BufferedReader(new InputStreamReader(System.in));

    private final String hosts;
    private final String end;
    private final Map<CuratorFramework, List<ConnectionState>> states = new LinkedHashMap<>();

    /** The server is ended by {@code end}, "restart" or "crash", whenever the recipe restarts it. */
    Scene(String hosts, String end) {
        this.hosts = hosts;
        this.end = end;
    }

    /** A connected client with a session of its own. */
    CuratorFramework client() throws Exception {
        return client(SESSION_MS);
    }

    CuratorFramework client(int sessionMs) throws Exception {
        CuratorFramework client = CuratorFrameworkFactory.builder()
                .connectString(hosts)
                .sessionTimeoutMs(sessionMs)
                .connectionTimeoutMs(PATIENCE_S * 1000)
                .retryPolicy(new RetryNTimes(1000, 50))
                .build();
        List<ConnectionState> seen = new CopyOnWriteArrayList<>();
        client.getConnectionStateListenable().addListener((c, state) -> seen.add(state));
        states.put(client, seen);
        client.start();
        eventually("connected", () -> seen.contains(ConnectionState.CONNECTED));
        return client;
    }

    /** Ends a client's session as a service that goes down does. */
    void close(CuratorFramework client) {
        states.remove(client);
        client.close();
    }

    List<ConnectionState> statesOf(CuratorFramework client) {
        return states.get(client);
    }

    /** A thread of its own: locks belong to the thread that took them. */
    ExecutorService thread() {
        return Executors.newSingleThreadExecutor();
    }

    /** The server goes and comes again; every client has noticed both when this returns. */
    void restart() throws Exception {
        restart(() -> { });
    }

    /** The same, with work that begins as soon as the server is back, whoever is connected again by then. */
    void restart(Step meanwhile) throws Exception {
        Map<CuratorFramework, Integer> before = new LinkedHashMap<>();
        Map<CuratorFramework, Long> sessions = new LinkedHashMap<>();
        for (CuratorFramework client : states.keySet()) {
            before.put(client, reconnections(client));
            sessions.put(client, session(client));
        }
        ask(end);
        meanwhile.run();
        boolean haveSurvived = true;
        for (CuratorFramework client : states.keySet()) {
            eventually("reconnected", () -> reconnections(client) > before.get(client));
            haveSurvived &= session(client) == sessions.get(client);
        }
        say("restarted", "same sessions", haveSurvived);
    }

    private int reconnections(CuratorFramework client) {
        return Collections.frequency(states.get(client), ConnectionState.RECONNECTED);
    }

    static long session(CuratorFramework client) throws Exception {
        return client.getZookeeperClient().getZooKeeper().getSessionId();
    }

    /** Has the server stopped, killed, started: whoever drives the scene does it and answers with a line. */
    void ask(String wish) throws Exception {
        System.out.println(JSON.writeValueAsString(Collections.singletonMap("ask", wish)));
        if (INPUT.readLine() == null) {
            throw new IllegalStateException("nobody answers");
        }
    }

    void say(Object... values) throws Exception {
        System.out.println(JSON.writeValueAsString(values));
    }

    /** Says every znode at and below {@code root}, with its data and its whole Stat. */
    void tree(CuratorFramework client, String root) throws Exception {
        Stat stat = new Stat();
        byte[] data = client.getData().storingStatIn(stat).forPath(root);
        say(masked(root), masked(text(data)), fields(stat));
        for (String child : children(client, root)) {
            tree(client, (root.equals("/") ? "" : root) + "/" + child);
        }
    }

    /** Says names and data only, where the order of changes is not the same in every run. */
    void sketch(CuratorFramework client, String root) throws Exception {
        Stat stat = new Stat();
        byte[] data = client.getData().storingStatIn(stat).forPath(root);
        say(masked(root), masked(text(data)), stat.getEphemeralOwner() == 0 ? "persistent" : "ephemeral");
        for (String child : children(client, root)) {
            sketch(client, root + "/" + child);
        }
    }

    private static List<String> children(CuratorFramework client, String path) throws Exception {
        List<String> names = new ArrayList<>(client.getChildren().forPath(path));
        names.sort((a, b) -> masked(a).compareTo(masked(b)));
        return names;
    }

    static void eventually(String what, Callable<Boolean> condition) throws Exception {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_S);
        while (!condition.call()) {
            if (System.nanoTime() > deadline) {
                throw new IllegalStateException("never: " + what);
            }
            Thread.sleep(5);
        }
    }

    /** Waits until a znode has that many children. */
    static void untilChildren(CuratorFramework client, String path, int count) throws Exception {
        eventually(count + " children of " + path, () -> {
            Stat stat = client.checkExists().forPath(path);
            return stat != null && stat.getNumChildren() == count;
        });
    }

    /** A call's outcome: its value, or the name of ZooKeeper's error. */
    static Object attempt(Callable<?> call) throws Exception {
        try {
            return call.call();
        } catch (KeeperException error) {
            return Collections.singletonMap("error", error.code().name());
        }
    }

    static Map<String, Object> fields(Stat stat) {
        if (stat == null) {
            return null;
        }
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("czxid", stat.getCzxid());
        fields.put("mzxid", stat.getMzxid());
        fields.put("pzxid", stat.getPzxid());
        fields.put("ctime", stat.getCtime());
        fields.put("mtime", stat.getMtime());
        fields.put("version", stat.getVersion());
        fields.put("cversion", stat.getCversion());
        fields.put("aversion", stat.getAversion());
        fields.put("ephemeralOwner", Long.toUnsignedString(stat.getEphemeralOwner()));
        fields.put("dataLength", stat.getDataLength());
        fields.put("numChildren", stat.getNumChildren());
        return fields;
    }

    /** Random names, which protected znodes and barriers have, as ID. */
    static String masked(String text) {
        return text == null ? null : text.replaceAll("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID");
    }

    static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    static String text(byte[] data) {
        return data == null ? null : new String(data, StandardCharsets.UTF_8);
    }

    static List<String> sorted(Collection<String> names) {
        List<String> list = new ArrayList<>(names);
        Collections.sort(list);
        return list;
    }

    /** Work that may fail. */
    interface Step {
        void run() throws Exception;
    }

    /** A recipe, acted out. */
    interface Recipe {
        void play(Scene scene) throws Exception;
    }
}
