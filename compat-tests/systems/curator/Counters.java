import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.atomic.AtomicValue;
import org.apache.curator.framework.recipes.atomic.CachedAtomicLong;
import org.apache.curator.framework.recipes.atomic.DistributedAtomicInteger;
import org.apache.curator.framework.recipes.atomic.DistributedAtomicLong;
import org.apache.curator.framework.recipes.atomic.DistributedAtomicValue;
import org.apache.curator.framework.recipes.atomic.PromotedToLock;
import org.apache.curator.framework.recipes.barriers.DistributedBarrier;
import org.apache.curator.framework.recipes.barriers.DistributedDoubleBarrier;
import org.apache.curator.framework.recipes.shared.SharedCount;
import org.apache.curator.framework.recipes.shared.SharedCountListener;
import org.apache.curator.framework.recipes.shared.SharedCountReader;
import org.apache.curator.framework.recipes.shared.SharedValue;
import org.apache.curator.framework.recipes.shared.VersionedValue;
import org.apache.curator.framework.state.ConnectionState;
import org.apache.curator.retry.RetryNTimes;
import org.apache.curator.retry.RetryOneTime;

/** Counters, which live on conditional setData, and barriers, which live on watches. */
final class Counters {
    private static final int LONG_S = Scene.PATIENCE_S;
    private static final int INCREMENTS = 40;

    static void barrier(Scene scene) throws Exception {
        CuratorFramework a = scene.client();
        CuratorFramework b = scene.client();
        DistributedBarrier barrier = new DistributedBarrier(a, "/barriers/one");
        barrier.setBarrier();
        barrier.setBarrier();
        scene.say("impatient", new DistributedBarrier(a, "/barriers/one").waitOnBarrier(100, TimeUnit.MILLISECONDS));
        Future<Boolean> waiting = waiting(scene, b);
        scene.restart();
        scene.say("still up", waiting.isDone());
        scene.tree(a, "/barriers");
        barrier.removeBarrier();
        scene.say("down", waiting.get(), new DistributedBarrier(b, "/barriers/one").waitOnBarrier(LONG_S, TimeUnit.SECONDS));
        barrier.setBarrier();
        Future<Boolean> next = waiting(scene, b);
        scene.restart(barrier::removeBarrier);
        scene.say("removed as soon as the server was back", next.get());
    }

    private static Future<Boolean> waiting(Scene scene, CuratorFramework client) {
        DistributedBarrier barrier = new DistributedBarrier(client, "/barriers/one");
        return scene.thread().submit(() -> barrier.waitOnBarrier(LONG_S, TimeUnit.SECONDS));
    }

    /** Whoever waits in `enter` is told of the lost connection; the znodes stay, so the third finds three. */
    static void doubleBarrier(Scene scene) throws Exception {
        List<DistributedDoubleBarrier> members = new ArrayList<>();
        for (int count = 0; count < 3; count++) {
            members.add(new DistributedDoubleBarrier(scene.client(), "/double", 3));
        }
        CuratorFramework watching = scene.client();
        List<Future<Object>> entering = new ArrayList<>();
        for (int count = 0; count < 2; count++) {
            DistributedDoubleBarrier member = members.get(count);
            entering.add(scene.thread().submit(() -> Scene.attempt(() -> member.enter(LONG_S, TimeUnit.SECONDS))));
            Scene.untilChildren(watching, "/double", count + 1);
        }
        scene.say("waiting", entering.get(0).isDone(), entering.get(1).isDone());
        scene.restart();
        scene.say("told of the loss", entering.get(0).get(), entering.get(1).get());
        scene.sketch(watching, "/double");
        scene.say("third", members.get(2).enter(LONG_S, TimeUnit.SECONDS));
        scene.sketch(watching, "/double");
        scene.restart();
        List<Future<Boolean>> leaving = new ArrayList<>();
        for (DistributedDoubleBarrier member : members) {
            leaving.add(scene.thread().submit(() -> member.leave(LONG_S, TimeUnit.SECONDS)));
        }
        for (Future<Boolean> one : leaving) {
            scene.say("left", one.get());
        }
        Scene.untilChildren(watching, "/double", 0);
        DistributedDoubleBarrier alone = new DistributedDoubleBarrier(watching, "/double", 2);
        scene.say("alone, impatient", alone.enter(100, TimeUnit.MILLISECONDS));
    }

    static void sharedCount(Scene scene) throws Exception {
        CuratorFramework a = scene.client();
        CuratorFramework b = scene.client();
        SharedCount ours = new SharedCount(a, "/shared/count", 7);
        SharedCount theirs = new SharedCount(b, "/shared/count", 0);
        AtomicInteger heard = new AtomicInteger();
        theirs.addListener(new SharedCountListener() {
            @Override
            public void countHasChanged(SharedCountReader count, int value) {
                heard.set(value);
            }

            @Override
            public void stateChanged(CuratorFramework client, ConnectionState state) { }
        });
        ours.start();
        theirs.start();
        scene.say("seed", ours.getCount(), theirs.getCount(), theirs.getVersionedValue().getVersion());
        VersionedValue<Integer> old = ours.getVersionedValue();
        ours.setCount(42);
        Scene.eventually("42 is heard", () -> heard.get() == 42);
        scene.restart(() -> ours.setCount(43));
        Scene.eventually("43 is heard", () -> heard.get() == 43);
        scene.say("with an old value", ours.trySetCount(old, 1));
        scene.say("with the new one", theirs.trySetCount(theirs.getVersionedValue(), 44), theirs.getCount());
        Scene.eventually("44 has come", () -> ours.getCount() == 44);
        SharedValue value = new SharedValue(a, "/shared/value", Scene.bytes("seed"));
        value.start();
        scene.restart();
        value.setValue(Scene.bytes("set"));
        scene.say(Scene.text(value.getValue()), value.getVersionedValue().getVersion());
        scene.tree(b, "/shared");
    }

    static void atomicLong(Scene scene) throws Exception {
        CuratorFramework a = scene.client();
        CuratorFramework b = scene.client();
        DistributedAtomicLong number = new DistributedAtomicLong(a, "/atomic/long", new RetryNTimes(100, 5));
        DistributedAtomicLong other = new DistributedAtomicLong(b, "/atomic/long", new RetryNTimes(100, 5));
        tell(scene, "never set", number.get());
        scene.say("initialize", number.initialize(10L), other.initialize(20L));
        tell(scene, "add", other.add(5L));
        tell(scene, "subtract", number.subtract(2L));
        tell(scene, "compareAndSet", number.compareAndSet(13L, 100L));
        tell(scene, "compareAndSet, wrong", other.compareAndSet(13L, 100L));
        tell(scene, "trySet", other.trySet(0L));
        scene.tree(a, "/atomic/long");
        together(scene, () -> number.increment().succeeded(), () -> other.increment().succeeded());
        tell(scene, "both incremented", number.get());
        scene.restart();
        tell(scene, "after the restart", number.get());
        tell(scene, "decrement", number.decrement());
        underRestart(scene, new DistributedAtomicLong(a, "/atomic/busy", new RetryNTimes(100, 5)), b);
        CachedAtomicLong cached = new CachedAtomicLong(number, 10);
        scene.say("cached", cached.next().postValue(), cached.next().postValue(), other.get().postValue());
        DistributedAtomicInteger small = new DistributedAtomicInteger(a, "/atomic/integer", new RetryOneTime(5));
        small.forceSet(Integer.MAX_VALUE);
        scene.restart();
        scene.say("integer", small.increment().postValue());
        DistributedAtomicValue value = new DistributedAtomicValue(a, "/atomic/value", new RetryOneTime(5));
        scene.say("value", value.initialize(Scene.bytes("one")),
                value.compareAndSet(Scene.bytes("two"), Scene.bytes("three")).succeeded(),
                Scene.text(value.trySet(Scene.bytes("four")).postValue()));
    }

    /** Incremented by two while the server goes: what was confirmed is counted; what was not may be counted. */
    private static void underRestart(Scene scene, DistributedAtomicLong number, CuratorFramework b) throws Exception {
        DistributedAtomicLong other = new DistributedAtomicLong(b, "/atomic/busy", new RetryNTimes(100, 5));
        AtomicBoolean isOver = new AtomicBoolean();
        AtomicInteger confirmed = new AtomicInteger();
        List<Future<?>> busy = new ArrayList<>();
        for (DistributedAtomicLong one : List.of(number, other)) {
            busy.add(scene.thread().submit(() -> {
                while (!isOver.get()) {
                    confirmed.addAndGet(one.increment().succeeded() ? 1 : 0);
                }
                return null;
            }));
        }
        Scene.eventually("busy", () -> confirmed.get() > 20);
        scene.restart();
        int before = confirmed.get();
        Scene.eventually("busy again", () -> confirmed.get() > before + 20);
        isOver.set(true);
        for (Future<?> one : busy) {
            one.get();
        }
        // A reply that the restart swallowed leaves one increment in doubt for each client, and Curator tries it again.
        long value = number.get().postValue();
        scene.say("confirmed ones are in", value >= confirmed.get(), "at most one more for each", value <= confirmed.get() + 2);
    }

    private static void tell(Scene scene, String what, AtomicValue<Long> value) throws Exception {
        scene.say(what, value.succeeded(), value.preValue(), value.postValue());
    }

    private static void together(Scene scene, Callable<Boolean> first, Callable<Boolean> second) throws Exception {
        List<Future<?>> running = new ArrayList<>();
        for (Callable<Boolean> one : List.of(first, second)) {
            running.add(scene.thread().submit(() -> {
                for (int done = 0; done < INCREMENTS; ) {
                    done += one.call() ? 1 : 0;
                }
                return null;
            }));
        }
        for (Future<?> one : running) {
            one.get();
        }
    }

    /** Without patience for optimism every contended increment takes the lock. */
    static void promotedToLock(Scene scene) throws Exception {
        CuratorFramework a = scene.client();
        CuratorFramework b = scene.client();
        PromotedToLock lock = PromotedToLock.builder()
                .lockPath("/promoted/lock")
                .timeout(LONG_S, TimeUnit.SECONDS)
                .retryPolicy(new RetryNTimes(1000, 5))
                .build();
        DistributedAtomicLong number = new DistributedAtomicLong(a, "/promoted/number", new RetryOneTime(1), lock);
        DistributedAtomicInteger other = new DistributedAtomicInteger(b, "/promoted/integer", new RetryOneTime(1), lock);
        DistributedAtomicLong same = new DistributedAtomicLong(b, "/promoted/number", new RetryOneTime(1), lock);
        together(scene, () -> number.increment().succeeded(), () -> same.increment().succeeded());
        scene.say("both", number.get().postValue());
        scene.restart();
        together(scene, () -> number.decrement().succeeded(), () -> other.increment().succeeded());
        scene.say("after the restart", same.get().postValue(), other.get().postValue());
    }
}
