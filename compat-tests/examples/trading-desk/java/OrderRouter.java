import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.api.transaction.CuratorOp;
import org.apache.curator.framework.recipes.leader.LeaderLatch;
import org.apache.curator.framework.recipes.leader.LeaderLatchListener;
import org.apache.curator.framework.recipes.nodes.PersistentNode;
import org.apache.curator.framework.state.SessionConnectionStateErrorPolicy;
import org.apache.curator.retry.RetryForever;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.OpResult;
import org.apache.zookeeper.data.Stat;

/**
 * An order router. Several run; one is the primary and publishes trades, the others stand by and know what it knows.
 *
 * usage: OrderRouter HOST:PORT/CHROOT NAME SESSION_SECONDS
 *
 * Commands on stdin, an answer on stdout for each:
 *
 *   order ID SYMBOL SIDE QUANTITY    a client's order
 *   fill ID PRICE                    the venue's report that the order was filled
 *
 * Who is the primary is decided by LeaderLatch, but no election can tell a process that it was deposed while it did not
 * run. Therefore each primary first writes its name into /epoch, and the version that this write gives the znode is the
 * number of its epoch. Every write of the primary is a multi that begins with check(/epoch, that version): once another
 * has claimed the next epoch, nothing of the old one can be written, whatever its author believes.
 *
 * An order is a znode of its own: version 0 while it is open, 1 once it is filled. So every step may be repeated when the
 * answer to it was lost, by Curator's retries as by a client or a venue: it happens once.
 */
public final class OrderRouter {
    private static final int RETRY_MS = 250;
    private static final int PATIENCE_S = 60;
    private static final int NO_EPOCH = -1;
    private static final String EPOCH = "/epoch";
    private static final String RISK_LIMITS = "risk-limits";

    private final CuratorFramework client;
    private final String name;
    private final LeaderLatch latch;
    private final PersistentNode membership;
    private final Settings settings = new Settings();
    private final SequenceFollower changes;
    private final SequenceFollower trades;
    /** Calls of LeaderLatch come here: Curator's own thread must not wait for answers, because it delivers them. */
    private final ExecutorService roleThread = Executors.newSingleThreadExecutor();
    /** The epoch in which each open order was accepted by this router. */
    private final Map<String, Integer> acceptedIn = new ConcurrentHashMap<>();
    /** NO_EPOCH while standing by. */
    private volatile int epoch = NO_EPOCH;

    public static void main(String[] words) throws Exception {
        OrderRouter router = new OrderRouter(words[0], words[1], 1000 * Integer.parseInt(words[2]));
        router.start();
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = commands.readLine(); line != null; line = commands.readLine()) {
            router.obey(line.split(" "));
        }
        router.close();
    }

    private OrderRouter(String hosts, String name, int sessionTimeoutMs) {
        this.name = name;
        client = CuratorFrameworkFactory.builder()
                .connectString(hosts)
                .sessionTimeoutMs(sessionTimeoutMs)
                .connectionTimeoutMs(sessionTimeoutMs)
                .retryPolicy(new RetryForever(RETRY_MS))
                // A lost connection is no lost leadership: the session lives on, and the epoch guards against error. So a
                // server's restart costs no failover.
                .connectionStateErrorPolicy(new SessionConnectionStateErrorPolicy())
                .build();
        latch = new LeaderLatch(client, "/election", name);
        membership = new PersistentNode(client, CreateMode.EPHEMERAL, false, "/members/" + name, new byte[0]);
        changes = new SequenceFollower(client, "/config/changes", this::applyChange);
        trades = new SequenceFollower(client, "/trades", (trade, text) -> say("trade", trade, text));
    }

    private void start() throws Exception {
        client.start();
        if (!client.blockUntilConnected(PATIENCE_S, TimeUnit.SECONDS)) {
            throw new IllegalStateException("no server answers");
        }
        changes.start();
        trades.start();
        latch.addListener(new LeaderLatchListener() {
            @Override
            public void isLeader() {
                becomePrimary();
            }

            @Override
            public void notLeader() {
                standBy();
            }
        }, roleThread);
        latch.start();
        awaitCandidacy();
        membership.start();
    }

    /** A member is there for the others once it stands in the queue of the election. */
    private void awaitCandidacy() throws Exception {
        while (latch.getParticipants().stream().noneMatch(participant -> participant.getId().equals(name))) {
            Thread.sleep(10);
        }
    }

    private void close() throws Exception {
        latch.close();
        roleThread.shutdown();
        changes.close();
        trades.close();
        membership.close();
        client.close();
    }

    private void obey(String[] words) throws Exception {
        switch (words[0]) {
            case "order" -> accept(words[1], words[2] + " " + words[3], Integer.parseInt(words[4]));
            case "fill" -> fill(words[1], words[2]);
            default -> throw new IllegalArgumentException(words[0]);
        }
    }

    // -- the role ------------------------------------------------------------------------------------------------------

    private void becomePrimary() {
        try {
            int claimed = claimEpoch();
            if (claimed == NO_EPOCH) {
                return;
            }
            // The claim was answered, so this server has everything that was written before it: what is read now is all
            // that the former primary ever published.
            changes.catchUp();
            trades.catchUp();
            acceptedIn.clear();
            epoch = claimed;
            say("role", "primary", "epoch=" + claimed);
        } catch (Exception broken) {
            broken.printStackTrace();
            Runtime.getRuntime().halt(1);
        }
    }

    /**
     * Writes our name into /epoch, in one step with a look at the znode that won us the election: as long as it is there,
     * nobody else has won. Being told so by the latch is not enough; it may have been a while ago.
     */
    private int claimEpoch() throws Exception {
        try {
            return client.transaction().forOperations(
                    client.transactionOp().check().forPath(latch.getLastPathIsLeader()),
                    client.transactionOp().setData().forPath(EPOCH, bytes(name)))
                    .get(1).getResultStat().getVersion();
        } catch (KeeperException.NoNodeException deposed) {
            return NO_EPOCH;
        }
    }

    private void standBy() {
        if (epoch != NO_EPOCH) {
            epoch = NO_EPOCH;
            say("role", "standby");
        }
    }

    // -- orders and trades -----------------------------------------------------------------------------------------------

    /** Accepts an order under the limits in force: those that its multi checks, not those that we last heard of. */
    private void accept(String id, String order, int quantity) throws Exception {
        int underEpoch = epoch;
        while (underEpoch != NO_EPOCH) {
            Settings.Setting limits = settings.get(RISK_LIMITS);
            if (limits == null || quantity > limits.number("max-order")) {
                say("order", id, "refused: " + (limits == null ? "no limits yet" : "more than " + limits.value()));
                return;
            }
            int failed = commit(
                    client.transactionOp().check().withVersion(underEpoch).forPath(EPOCH),
                    client.transactionOp().check().withVersion(limits.version()).forPath("/config/" + RISK_LIMITS),
                    client.transactionOp().create().forPath("/orders/" + id, bytes(order + " " + quantity)));
            if (failed == 0) {
                break;
            } else if (failed == 1) {
                changes.catchUp();
            } else { // done, or known already: by a repetition of the client's, or of our own if an answer was lost
                acceptedIn.put(id, underEpoch);
                say("order", id, "accepted");
                return;
            }
        }
        say("order", id, "refused: not the primary");
    }

    /** Publishes the trade, in the epoch in which the order was accepted. */
    private void fill(String id, String price) throws Exception {
        String path = "/orders/" + id;
        int underEpoch = acceptedIn.getOrDefault(id, epoch);
        if (underEpoch == NO_EPOCH || client.checkExists().forPath(path) == null) {
            say("order", id, "not published: " + (underEpoch == NO_EPOCH ? "not the primary" : "not known"));
            return;
        }
        String order = text(client.getData().forPath(path));
        String mark = " filled in epoch " + underEpoch;
        String trade = id + " " + order + " " + price + " epoch=" + underEpoch + " by=" + name;
        int failed = commit(
                client.transactionOp().check().withVersion(underEpoch).forPath(EPOCH),
                client.transactionOp().setData().withVersion(0).forPath(path, bytes(order + mark)),
                client.transactionOp().create().withMode(CreateMode.PERSISTENT_SEQUENTIAL)
                        .forPath("/trades/t-", bytes(trade)));
        if (failed == 0) {
            say("order", id, "not published: epoch " + underEpoch + " is over");
            return;
        }
        String filled = failed == 1 ? text(client.getData().forPath(path)) : order + mark;
        acceptedIn.remove(id);
        // Filled in this very epoch means filled by us: the fill came twice, or the first answer to it was lost.
        say("order", id, filled.endsWith(mark) ? "filled" : filled.substring(filled.indexOf("filled")) + " already");
    }

    /**
     * All of the operations, or none.
     *
     * @return the place of the first that failed a version check or found its znode there already; their number when all
     *     were done.
     */
    private int commit(CuratorOp... operations) throws Exception {
        try {
            client.transaction().forOperations(operations);
            return operations.length;
        } catch (KeeperException.BadVersionException | KeeperException.NodeExistsException refused) {
            int place = 0;
            for (OpResult result : refused.getResults()) {
                if (((OpResult.ErrorResult) result).getErr() != KeeperException.Code.OK.intValue()) {
                    return place;
                }
                place++;
            }
            throw refused;
        }
    }

    private void applyChange(String change, String text) {
        settings.apply(text);
        say("config", change, text);
    }

    // -- words -----------------------------------------------------------------------------------------------------------

    private static synchronized void say(String... words) {
        System.out.println(String.join(" ", words));
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static String text(byte[] data) {
        return new String(data, StandardCharsets.UTF_8);
    }
}
