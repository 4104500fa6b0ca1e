import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.api.transaction.CuratorTransactionResult;
import org.apache.curator.framework.recipes.atomic.DistributedAtomicLong;
import org.apache.curator.framework.recipes.barriers.DistributedBarrier;
import org.apache.curator.framework.recipes.barriers.DistributedDoubleBarrier;
import org.apache.curator.framework.recipes.cache.CuratorCache;
import org.apache.curator.framework.recipes.cache.CuratorCacheListener;
import org.apache.curator.framework.recipes.cache.PathChildrenCache;
import org.apache.curator.framework.recipes.leader.LeaderLatch;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.framework.recipes.locks.InterProcessReadWriteLock;
import org.apache.curator.framework.recipes.locks.InterProcessSemaphoreV2;
import org.apache.curator.framework.recipes.locks.Lease;
import org.apache.curator.framework.recipes.nodes.GroupMember;
import org.apache.curator.framework.recipes.nodes.PersistentNode;
import org.apache.curator.framework.recipes.nodes.PersistentTtlNode;
import org.apache.curator.framework.recipes.queue.SimpleDistributedQueue;
import org.apache.curator.framework.recipes.shared.SharedCount;
import org.apache.curator.retry.RetryOneTime;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.data.Stat;

/**
 * Curator's recipes as a service would use them. One scenario a run; what it saw goes to stdout, a line each, without
 * anything that differs between two runs (ids, times, zxids).
 *
 * usage: CuratorOutcomes HOST:PORT SCENARIO
 */
public final class CuratorOutcomes {
    private static final int PATIENCE_S = 15;
    private static String hosts;

    public static void main(String[] words) throws Exception {
        hosts = words[0];
        switch (words[1]) {
            case "framework": framework(); break;
            case "locks": locks(); break;
            case "leaders": leaders(); break;
            case "caches": caches(); break;
            case "nodes": nodes(); break;
            case "barriers": barriers(); break;
            case "counters": counters(); break;
            case "queues": queues(); break;
            default: throw new IllegalArgumentException(words[1]);
        }
        System.exit(0);
    }

    private static CuratorFramework started() throws Exception {
        CuratorFramework client = CuratorFrameworkFactory.newClient(hosts, 10_000, 10_000, new RetryOneTime(100));
        client.start();
        if (!client.blockUntilConnected(PATIENCE_S, TimeUnit.SECONDS)) {
            throw new IllegalStateException("not connected");
        }
        return client;
    }

    private static void say(Object... values) {
        StringBuilder line = new StringBuilder();
        for (Object value : values) {
            line.append(line.length() == 0 ? "" : " ").append(value);
        }
        System.out.println(line);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static String text(byte[] data) {
        return data == null ? "null" : new String(data, StandardCharsets.UTF_8);
    }

    private static String shape(Stat stat) {
        return stat == null ? "none" : "v" + stat.getVersion() + "," + stat.getCversion() + "," + stat.getAversion()
                + " length " + stat.getDataLength() + " children " + stat.getNumChildren()
                + (stat.getEphemeralOwner() == 0 ? "" : " ephemeral");
    }

    private static String attempt(Callable<?> call) throws Exception {
        try {
            return String.valueOf(call.call());
        } catch (KeeperException error) {
            return error.code().name();
        }
    }

    private static void eventually(Callable<Boolean> condition, String what) throws Exception {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_S);
        while (!condition.call()) {
            if (System.nanoTime() > deadline) {
                throw new IllegalStateException("never: " + what);
            }
            Thread.sleep(5);
        }
    }

    private static List<String> sorted(Collection<String> names) {
        List<String> list = new ArrayList<>(names);
        Collections.sort(list);
        return list;
    }

    private static void framework() throws Exception {
        CuratorFramework client = started();
        say(client.create().creatingParentsIfNeeded().forPath("/f/a/b", bytes("1")));
        say(client.create().creatingParentContainersIfNeeded().forPath("/f/box/x"));
        Stat stat = new Stat();
        say(client.create().storingStatIn(stat).forPath("/f/c", bytes("22")), shape(stat));
        say(attempt(() -> client.create().forPath("/f/c")), client.create().orSetData().forPath("/f/c", bytes("333")));
        say(client.create().withMode(CreateMode.PERSISTENT_SEQUENTIAL).forPath("/f/s-"));
        String guarded = client.create().withProtection().withMode(CreateMode.EPHEMERAL_SEQUENTIAL).forPath("/f/p-");
        say(guarded.replaceAll("_c_[0-9a-f-]+", "_c_ID"));
        say(text(client.getData().storingStatIn(stat).forPath("/f/c")), shape(stat));
        say(shape(client.setData().withVersion(1).forPath("/f/c", bytes("4"))));
        say(attempt(() -> client.setData().withVersion(1).forPath("/f/c", bytes("5"))));
        say(sorted(client.getChildren().forPath("/f/a")), shape(client.checkExists().forPath("/f/none")));
        say(client.getACL().forPath("/f/c"));
        say(attempt(() -> client.delete().forPath("/f/a")));
        List<CuratorTransactionResult> results = client.transaction().forOperations(
                client.transactionOp().check().forPath("/f/c"),
                client.transactionOp().create().withMode(CreateMode.EPHEMERAL).forPath("/f/t", bytes("t")),
                client.transactionOp().setData().withVersion(2).forPath("/f/c", bytes("tx")),
                client.transactionOp().delete().forPath("/f/t"));
        for (CuratorTransactionResult result : results) {
            say(result.getType(), result.getForPath(), result.getResultPath(), shape(result.getResultStat()), result.getError());
        }
        say(attempt(() -> client.transaction().forOperations(
                client.transactionOp().create().forPath("/f/u"),
                client.transactionOp().delete().withVersion(99).forPath("/f/c"))));
        say(shape(client.checkExists().forPath("/f/u")));
        CountDownLatch synced = new CountDownLatch(1);
        client.sync().inBackground((c, event) -> synced.countDown()).forPath("/f");
        say("sync", synced.await(PATIENCE_S, TimeUnit.SECONDS));
        BlockingQueue<String> events = new LinkedBlockingQueue<>();
        client.watchers().add().withMode(org.apache.zookeeper.AddWatchMode.PERSISTENT_RECURSIVE)
                .usingWatcher((org.apache.zookeeper.Watcher) event -> events.add(event.getType() + " " + event.getPath()))
                .forPath("/f");
        client.setData().forPath("/f/c", bytes("watched"));
        client.create().forPath("/f/c/d");
        client.delete().deletingChildrenIfNeeded().forPath("/f/c");
        for (int count = 0; count < 4; count++) {
            say(events.poll(PATIENCE_S, TimeUnit.SECONDS));
        }
        client.watchers().removeAll().forPath("/f");
        client.delete().guaranteed().deletingChildrenIfNeeded().forPath("/f");
        say(shape(client.checkExists().forPath("/f")));
        CuratorFramework scoped = client.usingNamespace("space");
        scoped.create().forPath("/inside", bytes("n"));
        say(text(client.getData().forPath("/space/inside")));
        client.close();
    }

    private static void locks() throws Exception {
        CuratorFramework a = started();
        CuratorFramework b = started();
        InterProcessMutex lockA = new InterProcessMutex(a, "/lock");
        InterProcessMutex lockB = new InterProcessMutex(b, "/lock");
        say(lockA.acquire(PATIENCE_S, TimeUnit.SECONDS), lockA.acquire(1, TimeUnit.SECONDS));
        say(lockB.acquire(100, TimeUnit.MILLISECONDS));
        ExecutorService threads = Executors.newFixedThreadPool(4);
        Future<Boolean> waiting = threads.submit(() -> lockB.acquire(PATIENCE_S, TimeUnit.SECONDS));
        eventually(() -> a.getChildren().forPath("/lock").size() == 2, "two contenders");
        lockA.release();
        say(waiting.isDone());
        lockA.release();
        say(waiting.get(PATIENCE_S, TimeUnit.SECONDS), lockB.isAcquiredInThisProcess(), lockA.isAcquiredInThisProcess());

        InterProcessReadWriteLock sharedA = new InterProcessReadWriteLock(a, "/rw");
        InterProcessReadWriteLock sharedB = new InterProcessReadWriteLock(b, "/rw");
        say(sharedA.readLock().acquire(5, TimeUnit.SECONDS), sharedB.readLock().acquire(5, TimeUnit.SECONDS));
        say(threads.submit(() -> sharedB.writeLock().acquire(200, TimeUnit.MILLISECONDS)).get());
        sharedA.readLock().release();
        sharedB.readLock().release();
        say(sharedB.writeLock().acquire(5, TimeUnit.SECONDS));

        InterProcessSemaphoreV2 semaphore = new InterProcessSemaphoreV2(a, "/semaphore", 2);
        Lease first = semaphore.acquire();
        Lease second = new InterProcessSemaphoreV2(b, "/semaphore", 2).acquire(5, TimeUnit.SECONDS);
        say(second != null, semaphore.acquire(200, TimeUnit.MILLISECONDS) == null);
        semaphore.returnLease(first);
        say(semaphore.acquire(5, TimeUnit.SECONDS) != null);

        CuratorFramework dying = started();
        new InterProcessMutex(dying, "/orphan").acquire();
        dying.close();
        say(new InterProcessMutex(a, "/orphan").acquire(PATIENCE_S, TimeUnit.SECONDS));
    }

    private static void leaders() throws Exception {
        CuratorFramework a = started();
        CuratorFramework b = started();
        LeaderLatch first = new LeaderLatch(a, "/latch", "first");
        first.start();
        first.await(PATIENCE_S, TimeUnit.SECONDS);
        LeaderLatch second = new LeaderLatch(b, "/latch", "second");
        second.start();
        eventually(() -> first.getParticipants().size() == 2, "two participants");
        say(first.hasLeadership(), second.hasLeadership(), second.getLeader().getId());
        a.close();
        say(second.await(PATIENCE_S, TimeUnit.SECONDS), second.getLeader().getId(), second.getParticipants().size());
        second.close();
        say(b.getChildren().forPath("/latch"));
    }

    private static void caches() throws Exception {
        CuratorFramework client = started();
        CuratorFramework writer = started();
        writer.create().forPath("/cache");
        writer.create().forPath("/cache/old", bytes("0"));
        Collection<String> seen = new ConcurrentLinkedQueue<>();
        CountDownLatch ready = new CountDownLatch(1);
        CuratorCache cache = CuratorCache.build(client, "/cache");
        cache.listenable().addListener(CuratorCacheListener.builder()
                .forInitialized(ready::countDown)
                .forCreates(node -> seen.add("created " + node.getPath()))
                .forChanges((before, after) -> seen.add("changed " + after.getPath() + " " + text(after.getData())))
                .forDeletes(node -> seen.add("deleted " + node.getPath()))
                .build());
        cache.start();
        say(ready.await(PATIENCE_S, TimeUnit.SECONDS), cache.size());
        PathChildrenCache children = new PathChildrenCache(client, "/cache", true);
        children.start(PathChildrenCache.StartMode.BUILD_INITIAL_CACHE);
        int known = seen.size();
        String[][] steps = {{"create", "/cache/a", "1"}, {"set", "/cache/a", "2"}, {"create", "/cache/a/b", "3"},
            {"delete", "/cache/a/b", ""}, {"set", "/cache/old", "4"}, {"delete", "/cache/a", ""}};
        for (String[] step : steps) {
            int before = seen.size();
            if (step[0].equals("create")) {
                writer.create().forPath(step[1], bytes(step[2]));
            } else if (step[0].equals("set")) {
                writer.setData().forPath(step[1], bytes(step[2]));
            } else {
                writer.delete().forPath(step[1]);
            }
            eventually(() -> seen.size() > before, step[0] + " " + step[1]);
        }
        say(known, new ArrayList<>(seen).subList(known, seen.size()));
        eventually(() -> children.getCurrentData().size() == 1, "one child left");
        eventually(() -> text(children.getCurrentData().get(0).getData()).equals("4"), "its new data");
        say(children.getCurrentData().get(0).getPath(), text(cache.get("/cache/old").get().getData()), cache.size());
        cache.close();
        children.close();
        client.close();
    }

    private static void nodes() throws Exception {
        CuratorFramework client = started();
        CuratorFramework other = started();
        PersistentNode node = new PersistentNode(client, CreateMode.EPHEMERAL, false, "/nodes/mine", bytes("here"), true);
        node.start();
        say(node.waitForInitialCreate(PATIENCE_S, TimeUnit.SECONDS), shape(other.checkExists().forPath("/nodes/mine")));
        long created = other.checkExists().forPath("/nodes/mine").getCzxid();
        other.delete().forPath("/nodes/mine");
        eventually(() -> {
            Stat stat = other.checkExists().forPath("/nodes/mine");
            return stat != null && stat.getCzxid() != created;
        }, "made again");
        node.setData(bytes("new"));
        eventually(() -> text(other.getData().forPath("/nodes/mine")).equals("new"), "new data");
        node.close();
        say(shape(other.checkExists().forPath("/nodes/mine")));
        GroupMember one = new GroupMember(client, "/group", "one", bytes("1"));
        GroupMember two = new GroupMember(other, "/group", "two", bytes("2"));
        one.start();
        two.start();
        eventually(() -> one.getCurrentMembers().size() == 2, "two members");
        say(sorted(one.getCurrentMembers().keySet()));
        two.close();
        eventually(() -> one.getCurrentMembers().size() == 1, "one member");
        one.close();
        say(attempt(() -> client.create().withTtl(60_000).withMode(CreateMode.PERSISTENT_WITH_TTL).forPath("/ttl", bytes("t"))));
        say(attempt(() -> client.create().withTtl(60_000).withMode(CreateMode.PERSISTENT_SEQUENTIAL_WITH_TTL).forPath("/ttl-s")));
        say(shape(client.checkExists().forPath("/ttl")));
        PersistentTtlNode keeping = new PersistentTtlNode(client, "/kept", 60_000, bytes("k"));
        keeping.start();
        say(keeping.waitForInitialCreate(PATIENCE_S, TimeUnit.SECONDS), text(other.getData().forPath("/kept")));
        keeping.close();
        say(client.create().withMode(CreateMode.CONTAINER).forPath("/container"), shape(client.checkExists().forPath("/container")));
    }

    private static void barriers() throws Exception {
        CuratorFramework a = started();
        CuratorFramework b = started();
        DistributedBarrier barrier = new DistributedBarrier(a, "/barrier");
        barrier.setBarrier();
        ExecutorService threads = Executors.newFixedThreadPool(4);
        Future<Boolean> waiting = threads.submit(() -> new DistributedBarrier(b, "/barrier").waitOnBarrier(PATIENCE_S, TimeUnit.SECONDS));
        say(new DistributedBarrier(a, "/barrier").waitOnBarrier(100, TimeUnit.MILLISECONDS));
        barrier.removeBarrier();
        say(waiting.get());
        List<Future<Boolean>> entering = new ArrayList<>();
        List<DistributedDoubleBarrier> doubles = new ArrayList<>();
        for (CuratorFramework client : new CuratorFramework[] {a, b, started()}) {
            DistributedDoubleBarrier one = new DistributedDoubleBarrier(client, "/double", 3);
            doubles.add(one);
            entering.add(threads.submit(() -> one.enter(PATIENCE_S, TimeUnit.SECONDS)));
        }
        for (Future<Boolean> one : entering) {
            say(one.get());
        }
        List<Future<Boolean>> leaving = new ArrayList<>();
        for (DistributedDoubleBarrier one : doubles) {
            leaving.add(threads.submit(() -> one.leave(PATIENCE_S, TimeUnit.SECONDS)));
        }
        for (Future<Boolean> one : leaving) {
            say(one.get());
        }
    }

    private static void counters() throws Exception {
        CuratorFramework a = started();
        CuratorFramework b = started();
        ExecutorService threads = Executors.newFixedThreadPool(4);
        List<Future<?>> running = new ArrayList<>();
        for (CuratorFramework client : new CuratorFramework[] {a, b}) {
            running.add(threads.submit(() -> {
                DistributedAtomicLong number = new DistributedAtomicLong(client, "/number", new RetryOneTime(1));
                for (int done = 0; done < 50; ) {
                    done += number.increment().succeeded() ? 1 : 0;
                }
                return null;
            }));
        }
        for (Future<?> one : running) {
            one.get();
        }
        say(new DistributedAtomicLong(a, "/number", new RetryOneTime(1)).get().postValue());
        SharedCount shared = new SharedCount(a, "/shared", 7);
        SharedCount sharing = new SharedCount(b, "/shared", 0);
        shared.start();
        sharing.start();
        say(shared.getCount(), sharing.getCount());
        shared.setCount(42);
        eventually(() -> sharing.getCount() == 42, "the count is shared");
        say(sharing.trySetCount(sharing.getVersionedValue(), 43));
    }

    private static void queues() throws Exception {
        CuratorFramework a = started();
        CuratorFramework b = started();
        SimpleDistributedQueue queue = new SimpleDistributedQueue(a, "/queue");
        SimpleDistributedQueue taking = new SimpleDistributedQueue(b, "/queue");
        for (String value : new String[] {"one", "two", "three"}) {
            queue.offer(bytes(value));
        }
        say(text(taking.peek()), text(taking.take()), text(taking.poll()), text(queue.remove()), text(queue.poll()));
        ExecutorService threads = Executors.newFixedThreadPool(1);
        Future<byte[]> waiting = threads.submit(() -> taking.poll(PATIENCE_S, TimeUnit.SECONDS));
        queue.offer(bytes("late"));
        say(text(waiting.get()));
    }
}
