import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;

/** A producer that goes on whatever happens to the servers, and the account of what was acknowledged to it. */
final class Load {
    private static final int IN_FLIGHT_MAX = 200;

    private final Stage stage;
    private final String topic;
    private final int partitions;
    private final KafkaProducer<String, String> producer;
    private final List<String> acknowledged = Collections.synchronizedList(new ArrayList<>());
    private final AtomicInteger failed = new AtomicInteger();
    private final AtomicBoolean isOver = new AtomicBoolean();
    private final Thread thread;

    Load(Stage stage, String topic, int partitions) throws Exception {
        this.stage = stage;
        this.topic = topic;
        this.partitions = partitions;
        producer = stage.producer(Map.of(
                ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG, 120_000,
                ProducerConfig.REQUEST_TIMEOUT_MS_CONFIG, 5_000,
                ProducerConfig.LINGER_MS_CONFIG, 0));
        // One at a time at first: from a producer that it does not know, a broker takes any batch for the first one.
        for (int partition = 0; partition < partitions; partition++) {
            producer.send(new ProducerRecord<>(topic, partition, null, String.valueOf(partition))).get();
            acknowledged.add(String.valueOf(partition));
        }
        thread = new Thread(this::produce);
        thread.start();
    }

    private void produce() {
        AtomicInteger inFlight = new AtomicInteger();
        for (int number = partitions; !isOver.get(); number++) {
            String value = String.valueOf(number);
            inFlight.incrementAndGet();
            producer.send(new ProducerRecord<>(topic, number % partitions, null, value), (at, error) -> {
                inFlight.decrementAndGet();
                if (error == null) {
                    acknowledged.add(value);
                } else {
                    failed.incrementAndGet();
                }
            });
            pause(inFlight);
        }
        producer.close(Duration.ofSeconds(Stage.PATIENCE_S));
    }

    /** A few hundred records a second are enough; while nothing is acknowledged, wait. */
    private void pause(AtomicInteger inFlight) {
        try {
            do {
                Thread.sleep(4);
            } while (inFlight.get() >= IN_FLIGHT_MAX);
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
        }
    }

    /** Waits until that many more records have been acknowledged. */
    void untilMore(int count) throws Exception {
        int before = acknowledged.size();
        Stage.eventually(count + " more records acknowledged", () -> acknowledged.size() >= before + count);
    }

    /** Ends the load, reads the topic from its beginning and says whether all is there, once and in order. */
    void account() throws Exception {
        isOver.set(true);
        thread.join();
        Map<Integer, List<Integer>> found = readAll(stage, topic);
        List<Integer> all = new ArrayList<>();
        boolean isOrdered = true;
        for (List<Integer> partition : found.values()) {
            List<Integer> sorted = new ArrayList<>(partition);
            Collections.sort(sorted);
            isOrdered &= sorted.equals(partition);
            all.addAll(partition);
        }
        List<String> lost = new ArrayList<>(acknowledged);
        all.forEach(value -> lost.remove(String.valueOf(value)));
        stage.say("acknowledged and lost", lost, "twice", all.size() - all.stream().distinct().count(), "in order",
                isOrdered, "refused", failed.get());
    }

    private static Map<Integer, List<Integer>> readAll(Stage stage, String topic) throws Exception {
        Map<Integer, List<Integer>> found = new HashMap<>();
        try (KafkaConsumer<String, String> consumer = consumer(stage, Map.of())) {
            List<TopicPartition> partitions = new ArrayList<>();
            consumer.partitionsFor(topic).forEach(info -> partitions.add(new TopicPartition(topic, info.partition())));
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            Stage.eventually("the topic is read to its end", () -> {
                for (ConsumerRecord<String, String> one : consumer.poll(Duration.ofMillis(200))) {
                    found.computeIfAbsent(one.partition(), key -> new ArrayList<>()).add(Integer.parseInt(one.value()));
                }
                return partitions.stream().allMatch(one -> consumer.position(one) >= ends.get(one));
            });
        }
        return found;
    }

    static KafkaConsumer<String, String> consumer(Stage stage, Map<String, Object> more) {
        Map<String, Object> settings = new HashMap<>();
        settings.put(ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, stage.brokers);
        settings.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
        settings.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
        settings.putAll(more);
        return new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer());
    }
}
