import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Predicate;
import org.apache.kafka.clients.CommonClientConfigs;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.TopicPartitionInfo;
import org.apache.kafka.common.errors.ApiException;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.data.Stat;

/**
 * What every Kafka play needs: an administrator, a look at Kafka's znodes, wishes for whoever drives the play (brokers and the
 * ZooKeeper server started, stopped, killed), and what was seen, one JSON value a line, the same at every run.
 */
final class Stage {
    static final int PATIENCE_S = 60;
    /** Short, since a client that last looked when one broker was up would know no other when that one dies. */
    private static final int METADATA_AGE_MS = 1000;
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final BufferedReader INPUT = new BufferedReader(new InputStreamReader(System.in));
    /** Kafka's own tools print to System.out; only what is said here is part of the trace. */
    private static final PrintStream OUTPUT = System.out;

    /** Where Kafka's part of the tree is: HOST:PORT/kafka. */
    final String zooKeeper;
    final String brokers;
    private final ZooKeeper tree;
    private Admin admin;

    Stage(String zooKeeper, String brokers) throws Exception {
        this.zooKeeper = zooKeeper;
        this.brokers = brokers;
        System.setOut(System.err);
        tree = new ZooKeeper(zooKeeper, 30_000, event -> { });
    }

    Admin admin() {
        if (admin == null) {
            Properties settings = new Properties();
            settings.put(CommonClientConfigs.BOOTSTRAP_SERVERS_CONFIG, brokers);
            settings.put(CommonClientConfigs.REQUEST_TIMEOUT_MS_CONFIG, 10_000);
            settings.put(CommonClientConfigs.METADATA_MAX_AGE_CONFIG, METADATA_AGE_MS);
            settings.put(CommonClientConfigs.DEFAULT_API_TIMEOUT_MS_CONFIG, PATIENCE_S * 1000);
            admin = Admin.create(settings);
        }
        return admin;
    }

    KafkaProducer<String, String> producer(Map<String, Object> more) {
        Map<String, Object> settings = new HashMap<>();
        settings.put(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, brokers);
        settings.put(ProducerConfig.METADATA_MAX_AGE_CONFIG, METADATA_AGE_MS);
        settings.put(ProducerConfig.ACKS_CONFIG, "all");
        settings.put(ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG, true);
        settings.put(ProducerConfig.MAX_BLOCK_MS_CONFIG, PATIENCE_S * 1000);
        settings.putAll(more);
        return new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer());
    }

    void ask(String wish) throws Exception {
        OUTPUT.println(JSON.writeValueAsString(Collections.singletonMap("ask", wish)));
        if (INPUT.readLine() == null) {
            throw new IllegalStateException("nobody answers");
        }
    }

    void say(Object... values) throws Exception {
        OUTPUT.println(JSON.writeValueAsString(values));
    }

    static void eventually(String what, Callable<Boolean> condition) throws Exception {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_S);
        while (!holds(condition)) {
            if (System.nanoTime() > deadline) {
                throw new IllegalStateException("never: " + what);
            }
            Thread.sleep(20);
        }
    }

    /** Brokers are away at times, and znodes go between two looks: what cannot be asked does not hold yet. */
    private static boolean holds(Callable<Boolean> condition) throws Exception {
        try {
            return condition.call();
        } catch (ExecutionException error) {
            if (error.getCause() instanceof ApiException) {
                return false;
            }
            throw error;
        } catch (TimeoutException | KeeperException.NoNodeException error) {
            return false;
        }
    }

    /** A call's outcome: its value, or the name of Kafka's error. */
    static Object attempt(KafkaFuture<?> call) throws Exception {
        try {
            Object value = call.get(PATIENCE_S, TimeUnit.SECONDS);
            return value == null ? "done" : value;
        } catch (ExecutionException error) {
            return Collections.singletonMap("error", error.getCause().getClass().getSimpleName());
        }
    }

    Object create(NewTopic topic) throws Exception {
        return attempt(admin().createTopics(List.of(topic)).all());
    }

    /** Waits until exactly these brokers make up the cluster, one of them the controller. */
    void untilBrokers(Integer... ids) throws Exception {
        eventually("brokers " + List.of(ids), () -> {
            Collection<Node> nodes = admin().describeCluster().nodes().get(5, TimeUnit.SECONDS);
            Node controller = admin().describeCluster().controller().get(5, TimeUnit.SECONDS);
            List<Integer> found = new ArrayList<>();
            nodes.forEach(node -> found.add(node.id()));
            Collections.sort(found);
            return found.equals(List.of(ids)) && controller != null && controller.id() >= 0;
        });
    }

    /** Topic's partitions: leader, replicas in order, those in sync. */
    Map<Integer, String> partitions(String topic) throws Exception {
        TopicDescription description = admin().describeTopics(List.of(topic)).topicNameValues().get(topic).get();
        Map<Integer, String> partitions = new TreeMap<>();
        for (TopicPartitionInfo info : description.partitions()) {
            List<Integer> inSync = ids(info.isr());
            Collections.sort(inSync);
            String leader = info.leader() == null ? "none" : info.leader().idString();
            partitions.put(info.partition(), "leader " + leader + " of " + ids(info.replicas()) + " in sync " + inSync);
        }
        return partitions;
    }

    private static List<Integer> ids(List<Node> nodes) {
        List<Integer> ids = new ArrayList<>();
        nodes.forEach(node -> ids.add(node.id()));
        return ids;
    }

    /** @return what was seen: asked once more, another broker may answer, which has not heard of it yet. */
    Map<Integer, String> untilPartitions(String topic, Map<Integer, String> expected) throws Exception {
        return untilPartitions(topic, topic + " is " + expected, expected::equals);
    }

    Map<Integer, String> untilPartitions(String topic, String what, Predicate<Map<Integer, String>> expected) throws Exception {
        AtomicReference<Map<Integer, String>> seen = new AtomicReference<>();
        try {
            eventually(what, () -> {
                seen.set(partitions(topic));
                return expected.test(seen.get());
            });
            return seen.get();
        } catch (IllegalStateException error) {
            throw new IllegalStateException("but " + partitions(topic), error);
        }
    }

    /** A look at the tree, again and again while the server is away. */
    private static <Seen> Seen whenConnected(Callable<Seen> look) throws Exception {
        AtomicReference<Seen> seen = new AtomicReference<>();
        eventually("connected", () -> {
            try {
                seen.set(look.call());
                return true;
            } catch (KeeperException.ConnectionLossException error) {
                return false;
            }
        });
        return seen.get();
    }

    /** Stat of one of Kafka's znodes, or null. */
    Stat stat(String path) throws Exception {
        return whenConnected(() -> tree.exists(path, false));
    }

    boolean exists(String path) throws Exception {
        return stat(path) != null;
    }

    long owner(String path) throws Exception {
        Stat stat = stat(path);
        return stat == null ? 0 : stat.getEphemeralOwner();
    }

    String data(String path) throws Exception {
        return new String(whenConnected(() -> tree.getData(path, false, null)), StandardCharsets.UTF_8);
    }

    List<String> children(String path) throws Exception {
        List<String> names = whenConnected(() -> tree.getChildren(path, false));
        Collections.sort(names);
        return names;
    }

    void delete(String path) throws Exception {
        tree.delete(path, -1);
    }

    /** Which broker is the controller, and how often one has been elected; "none" between two of them. */
    String controller() throws Exception {
        if (!exists("/controller")) {
            return "none";
        }
        return "broker " + JSON.readTree(data("/controller")).get("brokerid").asInt() + " in epoch " + data("/controller_epoch");
    }

    void untilController(String expected) throws Exception {
        eventually("the controller is " + expected, () -> controller().equals(expected));
    }
}
