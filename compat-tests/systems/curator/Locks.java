import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.locks.InterProcessLock;
import org.apache.curator.framework.recipes.locks.InterProcessMultiLock;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.framework.recipes.locks.InterProcessReadWriteLock;
import org.apache.curator.framework.recipes.locks.InterProcessSemaphoreMutex;
import org.apache.curator.framework.recipes.locks.InterProcessSemaphoreV2;
import org.apache.curator.framework.recipes.locks.Lease;
import org.apache.curator.framework.recipes.locks.Revoker;
import org.apache.curator.framework.recipes.shared.SharedCount;

/**
 * Locks: held and waited for across a restart. A lock is a queue of ephemeral sequential znodes, each watching the one before
 * it, so the holder must still hold it afterwards and the others must get it in the order in which they came.
 */
final class Locks {
    private static final int LONG_S = Scene.PATIENCE_S;
    private static final int SHORT_MS = 150;

    static void mutex(Scene scene) throws Exception {
        CuratorFramework a = scene.client();
        CuratorFramework b = scene.client();
        CuratorFramework c = scene.client();
        InterProcessMutex lockA = new InterProcessMutex(a, "/lock");
        Contender second = new Contender(scene, new InterProcessMutex(b, "/lock"));
        Contender third = new Contender(scene, new InterProcessMutex(c, "/lock"));
        scene.say("first", lockA.acquire(LONG_S, TimeUnit.SECONDS), "again", lockA.acquire(LONG_S, TimeUnit.SECONDS));
        scene.say("second, impatient", second.tryFor(SHORT_MS));
        Future<Boolean> secondHas = second.begin();
        Scene.untilChildren(a, "/lock", 2);
        Future<Boolean> thirdHas = third.begin();
        Scene.untilChildren(a, "/lock", 3);
        scene.tree(a, "/lock");
        scene.restart();
        scene.tree(b, "/lock");
        scene.say("held", lockA.isAcquiredInThisProcess(), secondHas.isDone(), thirdHas.isDone());
        lockA.release();
        scene.say("released once", secondHas.isDone());
        lockA.release();
        scene.say("second", secondHas.get(), thirdHas.isDone());
        scene.restart();
        second.release();
        scene.say("third", thirdHas.get(), "second", second.isHeld());
        scene.close(c);
        scene.say("first, after the holder's end", lockA.acquire(LONG_S, TimeUnit.SECONDS));
        scene.tree(a, "/lock");
        lockA.release();
        Scene.untilChildren(a, "/lock", 0);
    }

    static void revocable(Scene scene) throws Exception {
        CuratorFramework a = scene.client();
        CuratorFramework b = scene.client();
        CountDownLatch asked = new CountDownLatch(1);
        InterProcessMutex lock = new InterProcessMutex(a, "/revocable");
        lock.makeRevocable(held -> asked.countDown());
        lock.acquire();
        String holder = new InterProcessMutex(b, "/revocable").getParticipantNodes().iterator().next();
        scene.say(Scene.masked(holder), asked.getCount());
        scene.restart();
        Revoker.attemptRevoke(b, holder);
        scene.say("asked to give it up", asked.await(LONG_S, TimeUnit.SECONDS));
        scene.tree(b, "/revocable");
        lock.release();
        scene.say("other", new InterProcessMutex(b, "/revocable").acquire(LONG_S, TimeUnit.SECONDS));
    }

    static void semaphoreMutex(Scene scene) throws Exception {
        CuratorFramework a = scene.client();
        CuratorFramework b = scene.client();
        InterProcessSemaphoreMutex first = new InterProcessSemaphoreMutex(a, "/semaphore-mutex");
        Contender second = new Contender(scene, new InterProcessSemaphoreMutex(b, "/semaphore-mutex"));
        scene.say("first", first.acquire(LONG_S, TimeUnit.SECONDS));
        scene.say("second, impatient", second.tryFor(SHORT_MS));
        Future<Boolean> secondHas = second.begin();
        Scene.untilChildren(a, "/semaphore-mutex/leases", 2);
        scene.restart();
        scene.sketch(a, "/semaphore-mutex");
        scene.say("held", first.isAcquiredInThisProcess(), secondHas.isDone());
        first.release();
        scene.say("second", secondHas.get(), "first, impatient", first.acquire(SHORT_MS, TimeUnit.MILLISECONDS));
        second.release();
        scene.say("first", first.acquire(LONG_S, TimeUnit.SECONDS));
        first.release();
        Scene.untilChildren(a, "/semaphore-mutex/leases", 0);
    }

    static void readWrite(Scene scene) throws Exception {
        CuratorFramework a = scene.client();
        CuratorFramework b = scene.client();
        CuratorFramework c = scene.client();
        InterProcessReadWriteLock lockA = new InterProcessReadWriteLock(a, "/rw", Scene.bytes("a"));
        InterProcessReadWriteLock lockB = new InterProcessReadWriteLock(b, "/rw", Scene.bytes("b"));
        InterProcessReadWriteLock lockC = new InterProcessReadWriteLock(c, "/rw", Scene.bytes("c"));
        scene.say("readers", lockA.readLock().acquire(LONG_S, TimeUnit.SECONDS),
                lockB.readLock().acquire(LONG_S, TimeUnit.SECONDS));
        Contender writer = new Contender(scene, lockC.writeLock());
        scene.say("writer, impatient", writer.tryFor(SHORT_MS));
        Future<Boolean> writing = writer.begin();
        Scene.untilChildren(a, "/rw", 3);
        Contender lateReader = new Contender(scene, new InterProcessReadWriteLock(a, "/rw", Scene.bytes("late")).readLock());
        Future<Boolean> reading = lateReader.begin();
        Scene.untilChildren(a, "/rw", 4);
        scene.tree(a, "/rw");
        scene.restart();
        scene.tree(c, "/rw");
        lockA.readLock().release();
        scene.say("one reader left", writing.isDone(), reading.isDone());
        lockB.readLock().release();
        scene.say("writer", writing.get(), reading.isDone());
        scene.restart();
        writer.release();
        scene.say("late reader", reading.get());
        lateReader.release();
        scene.say("downgrade", lockB.writeLock().acquire(LONG_S, TimeUnit.SECONDS),
                lockB.readLock().acquire(LONG_S, TimeUnit.SECONDS));
        lockB.writeLock().release();
        scene.say("other reader", lockA.readLock().acquire(LONG_S, TimeUnit.SECONDS));
    }

    static void multi(Scene scene) throws Exception {
        CuratorFramework a = scene.client();
        CuratorFramework b = scene.client();
        InterProcessMutex blocked = new InterProcessMutex(b, "/multi/two");
        InterProcessLock one = new InterProcessMutex(a, "/multi/one");
        InterProcessLock three = new InterProcessSemaphoreMutex(a, "/multi/three");
        InterProcessMultiLock all = new InterProcessMultiLock(Arrays.asList(one, new InterProcessMutex(a, "/multi/two"), three));
        scene.say("two", blocked.acquire(LONG_S, TimeUnit.SECONDS));
        scene.say("all, while one is taken", all.acquire(SHORT_MS, TimeUnit.MILLISECONDS), one.isAcquiredInThisProcess());
        Contender both = new Contender(scene, all);
        Future<Boolean> taken = both.begin();
        Scene.untilChildren(b, "/multi/two", 2);
        scene.restart();
        scene.say("waiting", taken.isDone());
        blocked.release();
        scene.say("all", taken.get(), all.isAcquiredInThisProcess());
        scene.say("the others", new InterProcessMutex(b, "/multi/one").acquire(SHORT_MS, TimeUnit.MILLISECONDS),
                new InterProcessSemaphoreMutex(b, "/multi/three").acquire(SHORT_MS, TimeUnit.MILLISECONDS));
        both.release();
        scene.say("freed", new InterProcessMutex(b, "/multi/one").acquire(LONG_S, TimeUnit.SECONDS));
    }

    static void semaphore(Scene scene) throws Exception {
        CuratorFramework a = scene.client();
        CuratorFramework b = scene.client();
        InterProcessSemaphoreV2 ours = new InterProcessSemaphoreV2(a, "/semaphore", 2);
        InterProcessSemaphoreV2 theirs = new InterProcessSemaphoreV2(b, "/semaphore", 2);
        ours.setNodeData(Scene.bytes("ours"));
        Lease first = ours.acquire();
        Lease second = theirs.acquire(LONG_S, TimeUnit.SECONDS);
        scene.say("two leases", Scene.text(first.getData()), second != null, theirs.getParticipantNodes().size());
        scene.say("a third, impatient", ours.acquire(SHORT_MS, TimeUnit.MILLISECONDS) != null);
        Future<Lease> third = scene.thread().submit(() -> theirs.acquire(LONG_S, TimeUnit.SECONDS));
        Scene.untilChildren(a, "/semaphore/leases", 3);
        scene.restart();
        scene.sketch(a, "/semaphore");
        scene.say("waiting", third.isDone());
        ours.returnLease(first);
        scene.say("third", third.get() != null);
        theirs.returnLease(second);
        theirs.returnLease(third.get());
        scene.say("both at once", ours.acquire(2, LONG_S, TimeUnit.SECONDS).size());
        scene.close(a);
        scene.say("after the holder's end", theirs.acquire(2, LONG_S, TimeUnit.SECONDS).size());

        SharedCount size = new SharedCount(b, "/semaphore-size", 1);
        size.start();
        InterProcessSemaphoreV2 growing = new InterProcessSemaphoreV2(b, "/growing", size);
        growing.acquire();
        Future<Lease> grown = scene.thread().submit(() -> growing.acquire(LONG_S, TimeUnit.SECONDS));
        Scene.untilChildren(b, "/growing/leases", 2);
        scene.restart();
        scene.say("waiting", grown.isDone());
        size.setCount(2);
        scene.say("grown", grown.get() != null);
    }

    /** One who takes and gives back a lock on a thread of its own, since a lock belongs to the thread. */
    private static final class Contender {
        private final ExecutorService thread;
        private final InterProcessLock lock;

        Contender(Scene scene, InterProcessLock lock) {
            this.thread = scene.thread();
            this.lock = lock;
        }

        Future<Boolean> begin() {
            return thread.submit(() -> lock.acquire(LONG_S, TimeUnit.SECONDS));
        }

        boolean tryFor(int ms) throws Exception {
            return thread.submit(() -> lock.acquire(ms, TimeUnit.MILLISECONDS)).get();
        }

        void release() throws Exception {
            thread.submit(() -> {
                lock.release();
                return null;
            }).get();
        }

        boolean isHeld() {
            return lock.isAcquiredInThisProcess();
        }
    }
}
