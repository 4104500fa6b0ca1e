import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.queue.DistributedDelayQueue;
import org.apache.curator.framework.recipes.queue.DistributedIdQueue;
import org.apache.curator.framework.recipes.queue.DistributedPriorityQueue;
import org.apache.curator.framework.recipes.queue.DistributedQueue;
import org.apache.curator.framework.recipes.queue.ErrorMode;
import org.apache.curator.framework.recipes.queue.MultiItem;
import org.apache.curator.framework.recipes.queue.QueueBuilder;
import org.apache.curator.framework.recipes.queue.QueueConsumer;
import org.apache.curator.framework.recipes.queue.QueueSerializer;
import org.apache.curator.framework.recipes.queue.SimpleDistributedQueue;
import org.apache.curator.framework.state.ConnectionState;

/** Queues: what was put before the restart is taken after it, in order and once. */
final class Queues {
    private static final int LONG_S = Scene.PATIENCE_S;

    static void queue(Scene scene) throws Exception {
        CuratorFramework a = scene.client();
        CuratorFramework b = scene.client();
        DistributedQueue<String> putting = QueueBuilder.builder(a, null, TEXT, "/queue").buildQueue();
        putting.start();
        for (int item = 1; item <= 4; item++) {
            putting.put("item " + item);
        }
        putting.putMulti(multi("five", "six"));
        scene.say("put", putting.flushPuts(LONG_S, TimeUnit.SECONDS));
        scene.tree(a, "/queue");
        scene.restart();
        scene.tree(b, "/queue");
        Consumer consumer = new Consumer();
        consumer.failOnce.add("item 3");
        DistributedQueue<String> taking = QueueBuilder.builder(b, consumer, TEXT, "/queue").lockPath("/queue-locks").buildQueue();
        taking.setErrorMode(ErrorMode.REQUEUE);
        taking.start();
        scene.say("taken", consumer.take(6));
        Scene.untilChildren(a, "/queue", 0);

        consumer.holdNext();
        putting.put("held over the restart");
        scene.say("taken", consumer.next());
        scene.restart();
        scene.sketch(a, "/queue");
        consumer.letGo();
        Scene.untilChildren(a, "/queue", 0);

        scene.ask("stop");
        for (int item = 7; item <= 9; item++) {
            putting.put("item " + item);
        }
        scene.say("while the server is away", putting.flushPuts(50, TimeUnit.MILLISECONDS));
        scene.ask("start");
        scene.say("put", putting.flushPuts(LONG_S, TimeUnit.SECONDS), Scene.sorted(consumer.take(3)));
        Scene.untilChildren(a, "/queue", 0);
        taking.close();
        putting.close();
        scene.say("left over", consumer.taken.size());
        // A lock whose creation was answered by the loss of the connection stays until the session ends.
        scene.close(b);
        Scene.untilChildren(a, "/queue-locks", 0);
    }

    private static MultiItem<String> multi(String... items) {
        List<String> rest = new ArrayList<>(List.of(items));
        return () -> rest.isEmpty() ? null : rest.remove(0);
    }

    static void idQueue(Scene scene) throws Exception {
        CuratorFramework a = scene.client();
        CuratorFramework b = scene.client();
        DistributedIdQueue<String> putting = QueueBuilder.builder(a, null, TEXT, "/ids").buildIdQueue();
        putting.start();
        putting.put("one", "red");
        putting.put("two", "green");
        putting.put("three", "red");
        putting.put("four", "blue");
        putting.flushPuts(LONG_S, TimeUnit.SECONDS);
        scene.tree(a, "/ids");
        scene.restart();
        scene.say("removed", putting.remove("red"), putting.remove("absent"));
        Consumer consumer = new Consumer();
        DistributedIdQueue<String> taking = QueueBuilder.builder(b, consumer, TEXT, "/ids").buildIdQueue();
        taking.start();
        scene.say("taken", consumer.take(2));
        scene.restart();
        putting.put("five", "green");
        scene.say("taken", consumer.next());
        Scene.untilChildren(a, "/ids", 0);
        taking.close();
    }

    static void priorityQueue(Scene scene) throws Exception {
        CuratorFramework a = scene.client();
        CuratorFramework b = scene.client();
        DistributedPriorityQueue<String> putting = QueueBuilder.builder(a, null, TEXT, "/priorities").buildPriorityQueue(0);
        putting.start();
        putting.put("late", 30);
        putting.put("first", -5);
        putting.put("second", 10);
        putting.put("third", 10);
        putting.flushPuts(LONG_S, TimeUnit.SECONDS);
        scene.restart();
        scene.tree(a, "/priorities");
        Consumer consumer = new Consumer();
        DistributedPriorityQueue<String> taking = QueueBuilder.builder(b, consumer, TEXT, "/priorities").buildPriorityQueue(0);
        taking.start();
        scene.say("taken", consumer.take(4));
        scene.restart();
        putting.put("afterwards", 1);
        scene.say("taken", consumer.next());
        taking.close();
    }

    /** Nothing is taken before its time, the restart notwithstanding; what is due comes in the order of its time. */
    static void delayQueue(Scene scene) throws Exception {
        CuratorFramework a = scene.client();
        CuratorFramework b = scene.client();
        DistributedDelayQueue<String> putting = QueueBuilder.builder(a, null, TEXT, "/delays").buildDelayQueue();
        putting.start();
        long start = System.currentTimeMillis();
        putting.put("later", start + 4000);
        putting.put("sooner", start + 3000);
        putting.put("due", start - 1000);
        putting.flushPuts(LONG_S, TimeUnit.SECONDS);
        Consumer consumer = new Consumer();
        DistributedDelayQueue<String> taking = QueueBuilder.builder(b, consumer, TEXT, "/delays").buildDelayQueue();
        taking.start();
        scene.say("taken", consumer.next());
        scene.restart();
        scene.say("taken", consumer.next(), "not too soon", System.currentTimeMillis() >= start + 3000);
        scene.say("taken", consumer.next(), "not too soon", System.currentTimeMillis() >= start + 4000);
        Scene.untilChildren(a, "/delays", 0);
        taking.close();
    }

    static void simpleQueue(Scene scene) throws Exception {
        CuratorFramework a = scene.client();
        CuratorFramework b = scene.client();
        SimpleDistributedQueue offering = new SimpleDistributedQueue(a, "/simple");
        SimpleDistributedQueue taking = new SimpleDistributedQueue(b, "/simple");
        scene.say("empty", Scene.text(taking.peek()), Scene.text(taking.poll()),
                Scene.text(taking.poll(100, TimeUnit.MILLISECONDS)));
        for (String value : List.of("one", "two", "three", "four")) {
            scene.say("offer", offering.offer(Scene.bytes(value)));
        }
        scene.tree(a, "/simple");
        scene.restart();
        scene.say("taken", Scene.text(taking.peek()), Scene.text(taking.element()), Scene.text(taking.take()),
                Scene.text(taking.remove()), Scene.text(offering.poll()), Scene.text(taking.poll(LONG_S, TimeUnit.SECONDS)));
        Future<byte[]> waiting = scene.thread().submit(() -> taking.poll(LONG_S, TimeUnit.SECONDS));
        scene.restart();
        scene.say("waiting", waiting.isDone());
        offering.offer(Scene.bytes("late"));
        scene.say("taken", Scene.text(waiting.get()));
        scene.tree(a, "/simple");
    }

    private static final QueueSerializer<String> TEXT = new QueueSerializer<>() {
        @Override
        public byte[] serialize(String item) {
            return Scene.bytes(item);
        }

        @Override
        public String deserialize(byte[] bytes) {
            return Scene.text(bytes);
        }
    };

    /** Keeps what it is given; on request it fails at an item once, or holds one until it is let go. */
    private static final class Consumer implements QueueConsumer<String> {
        final BlockingQueue<String> taken = new LinkedBlockingQueue<>();
        final Set<String> failOnce = ConcurrentHashMap.newKeySet();
        private volatile CountDownLatch gate = new CountDownLatch(0);

        @Override
        public void consumeMessage(String message) throws Exception {
            if (failOnce.remove(message)) {
                throw new IllegalStateException("not this time");
            }
            taken.add(message);
            gate.await();
        }

        @Override
        public void stateChanged(CuratorFramework client, ConnectionState state) { }

        void holdNext() {
            gate = new CountDownLatch(1);
        }

        void letGo() {
            gate.countDown();
        }

        String next() throws InterruptedException {
            return taken.poll(LONG_S, TimeUnit.SECONDS);
        }

        List<String> take(int count) throws InterruptedException {
            List<String> list = new ArrayList<>();
            while (list.size() < count) {
                list.add(next());
            }
            return list;
        }
    }
}
