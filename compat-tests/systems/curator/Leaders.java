import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.leader.LeaderLatch;
import org.apache.curator.framework.recipes.leader.LeaderLatchListener;
import org.apache.curator.framework.recipes.leader.LeaderSelector;
import org.apache.curator.framework.recipes.leader.LeaderSelectorListenerAdapter;
import org.apache.curator.framework.recipes.leader.Participant;
import org.apache.curator.framework.recipes.nodes.PersistentNode;
import org.apache.curator.framework.state.ConnectionState;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.data.Stat;

/**
 * Leader election. A leader that loses its connection steps down at once; its znode, and with it its place in the queue,
 * lives as long as its session.
 */
final class Leaders {
    private static final int SHORT_SESSION_MS = 5000;

    static void latch(Scene scene) throws Exception {
        CuratorFramework a = scene.client();
        CuratorFramework b = scene.client();
        CuratorFramework c = scene.client();
        List<String> heard = new CopyOnWriteArrayList<>();
        LeaderLatch first = started(a, "first", heard);
        first.await(Scene.PATIENCE_S, TimeUnit.SECONDS);
        LeaderLatch second = started(b, "second", heard);
        Scene.untilChildren(a, "/latch", 2);
        LeaderLatch third = started(c, "third", heard);
        Scene.untilChildren(a, "/latch", 3);
        scene.say("leads", third.getLeader().getId(), first.hasLeadership(), second.hasLeadership(), third.hasLeadership());
        scene.tree(a, "/latch");
        scene.restart();
        Scene.eventually("first leads again", first::hasLeadership);
        scene.say("heard", heard);
        scene.say("leads", second.getLeader().getId(), second.hasLeadership(), third.hasLeadership(), names(third));
        scene.tree(b, "/latch");
        first.close(LeaderLatch.CloseMode.NOTIFY_LEADER);
        scene.say("next", second.await(Scene.PATIENCE_S, TimeUnit.SECONDS), third.hasLeadership(), names(third));
        scene.close(b);
        scene.say("next", third.await(Scene.PATIENCE_S, TimeUnit.SECONDS), names(third));
        scene.restart();
        Scene.eventually("third leads again", third::hasLeadership);
        LeaderLatch again = started(a, "again", heard);
        Scene.untilChildren(a, "/latch", 2);
        third.close();
        scene.say("next", again.await(Scene.PATIENCE_S, TimeUnit.SECONDS), names(again));
        again.close();
        Scene.untilChildren(a, "/latch", 0);
    }

    private static LeaderLatch started(CuratorFramework client, String id, List<String> heard) throws Exception {
        LeaderLatch latch = new LeaderLatch(client, "/latch", id);
        latch.addListener(new LeaderLatchListener() {
            @Override
            public void isLeader() {
                heard.add(id + " leads");
            }

            @Override
            public void notLeader() {
                heard.add(id + " does not");
            }
        });
        latch.start();
        return latch;
    }

    private static List<String> names(LeaderLatch latch) throws Exception {
        return latch.getParticipants().stream().map(Participant::getId).collect(Collectors.toList());
    }

    static void selector(Scene scene) throws Exception {
        CuratorFramework watching = scene.client();
        BlockingQueue<String> reigns = new LinkedBlockingQueue<>();
        Map<String, Candidate> candidates = new LinkedHashMap<>();
        for (String id : new String[] {"first", "second", "third"}) {
            candidates.put(id, new Candidate(scene.client(), id, reigns));
            Scene.untilChildren(watching, "/selector", candidates.size());
        }
        scene.say("leads", next(reigns), queued(candidates));
        candidates.get("first").selector.interruptLeadership();
        scene.say("interrupted; leads", next(reigns));
        Scene.eventually("the interrupted one queues again", () -> queued(candidates).size() == 3);
        scene.say("queued", queued(candidates));
        scene.tree(watching, "/selector");
        scene.restart();
        // A lost connection cancels every election; all queue again, and a race decides about the order.
        String leader = next(reigns);
        Scene.eventually("all queue again", () -> Scene.sorted(queued(candidates)).equals(Scene.sorted(candidates.keySet())));
        List<String> queue = queued(candidates);
        scene.say("the first in the queue leads", queue.get(0).equals(leader), leads(candidates, leader));
        candidates.get(leader).abdicate();
        scene.say("the next one leads", queue.get(1).equals(next(reigns)), leads(candidates, queue.get(1)));
        Scene.eventually("it queues again, at the end", () ->
                queued(candidates).equals(List.of(queue.get(1), queue.get(2), leader)));
        candidates.get(queue.get(1)).selector.close();
        scene.say("the next one leads", queue.get(2).equals(next(reigns)),
                queued(candidates).equals(List.of(queue.get(2), leader)));
        candidates.remove(queue.get(1));
        scene.restart();
        scene.say("one of the two leads", candidates.containsKey(next(reigns)));
        for (Candidate candidate : candidates.values()) {
            candidate.selector.close();
        }
        Scene.untilChildren(watching, "/selector", 0);
    }

    private static String next(BlockingQueue<String> reigns) throws InterruptedException {
        return reigns.poll(Scene.PATIENCE_S, TimeUnit.SECONDS);
    }

    private static List<String> queued(Map<String, Candidate> candidates) throws Exception {
        LeaderSelector any = candidates.values().iterator().next().selector;
        return any.getParticipants().stream().map(Participant::getId).collect(Collectors.toList());
    }

    /** Whether that candidate, and no other, takes itself for the leader. */
    private static boolean leads(Map<String, Candidate> candidates, String id) {
        return candidates.entrySet().stream().allMatch(one -> one.getValue().selector.hasLeadership() == one.getKey().equals(id));
    }

    /** Leads until it abdicates or is interrupted, then queues again. */
    private static final class Candidate extends LeaderSelectorListenerAdapter {
        final LeaderSelector selector;
        private final String id;
        private final BlockingQueue<String> reigns;
        private volatile CountDownLatch reign;

        Candidate(CuratorFramework client, String id, BlockingQueue<String> reigns) {
            this.id = id;
            this.reigns = reigns;
            selector = new LeaderSelector(client, "/selector", this);
            selector.setId(id);
            selector.autoRequeue();
            selector.start();
        }

        void abdicate() {
            reign.countDown();
        }

        @Override
        public void takeLeadership(CuratorFramework client) throws Exception {
            CountDownLatch end = new CountDownLatch(1);
            reign = end;
            reigns.add(id);
            end.await();
        }
    }

    /**
     * The server is away for longer than a session lasts by the client's clock: Curator gives the session up and begins
     * another, while the server, once back, counts the old one anew and lets it expire later.
     */
    static void lostSession(Scene scene) throws Exception {
        CuratorFramework a = scene.client(SHORT_SESSION_MS);
        CuratorFramework watching = scene.client();
        LeaderLatch latch = new LeaderLatch(a, "/lost", "only");
        latch.start();
        latch.await(Scene.PATIENCE_S, TimeUnit.SECONDS);
        PersistentNode node = new PersistentNode(a, CreateMode.EPHEMERAL, false, "/lost-node", Scene.bytes("here"));
        node.start();
        node.waitForInitialCreate(Scene.PATIENCE_S, TimeUnit.SECONDS);
        long session = Scene.session(a);
        scene.ask("stop");
        Scene.eventually("lost", () -> scene.statesOf(a).contains(ConnectionState.LOST));
        scene.say("leads", latch.hasLeadership());
        scene.ask("start");
        Scene.eventually("leads again", latch::hasLeadership);
        Scene.eventually("the old session's znodes are gone", () -> watching.getChildren().forPath("/lost").size() == 1);
        Scene.eventually("owned by the new session", () -> owner(watching, "/lost-node") == Scene.session(a));
        scene.say("same session", Scene.session(a) == session, scene.statesOf(a));
        scene.say("leads", latch.getLeader().getId(), latch.getParticipants().size());
        scene.sketch(watching, "/lost-node");
    }

    private static long owner(CuratorFramework client, String path) throws Exception {
        Stat stat = client.checkExists().forPath(path);
        return stat == null ? 0 : stat.getEphemeralOwner();
    }
}
