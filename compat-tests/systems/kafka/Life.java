import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.stream.Collectors;
import kafka.admin.ConfigCommand;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.ScramCredentialInfo;
import org.apache.kafka.clients.admin.ScramMechanism;
import org.apache.kafka.clients.admin.UserScramCredentialUpsertion;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.ElectionType;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclBindingFilter;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.quota.ClientQuotaAlteration;
import org.apache.kafka.common.quota.ClientQuotaEntity;
import org.apache.kafka.common.quota.ClientQuotaFilter;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;

/** One broker's life: all that it keeps in ZooKeeper is made, altered and deleted, and everything is restarted once. */
final class Life {
    private static final int RECORDS = 60;

    private final Stage stage;

    Life(Stage stage) {
        this.stage = stage;
    }

    void play() throws Exception {
        stage.ask("start broker 1");
        stage.untilBrokers(1);
        stage.say("controller", stage.controller(), "registered", stage.children("/brokers/ids"));
        topics();
        configs();
        users();
        acls();
        group("before");
        transaction();
        serverRestarts();
        notifications("after the restarts");
        group("after");
        sessionExpires();
        brokerRestarts();
        stage.say("topics", new ArrayList<>(new TreeMap<>(stage.admin().listTopics().namesToListings().get()).keySet()));
        stage.ask("stop broker 1");
        stage.say("registered", stage.children("/brokers/ids"), "controller", stage.exists("/controller"));
    }

    private void topics() throws Exception {
        Admin admin = stage.admin();
        NewTopic orders = new NewTopic("orders", 3, (short) 1).configs(Map.of("retention.ms", "86400000"));
        stage.say("create", stage.create(orders));
        stage.say("create again", stage.create(orders));
        stage.say("create too many", stage.create(new NewTopic("copies", 1, (short) 2)));
        stage.say("create badly", stage.create(new NewTopic("no spaces", 1, (short) 1)));
        for (String name : List.of("load", "guarded", "doomed", "committed")) {
            stage.say("create", name, stage.create(new NewTopic(name, 2, (short) 1)));
        }
        stage.say("more partitions", Stage.attempt(admin.createPartitions(Map.of("orders", NewPartitions.increaseTo(5))).all()));
        stage.say("fewer partitions", Stage.attempt(admin.createPartitions(Map.of("orders", NewPartitions.increaseTo(2))).all()));
        Stage.eventually("five partitions", () -> stage.partitions("orders").size() == 5);
        stage.say("orders", stage.partitions("orders"));
        stage.say("delete", Stage.attempt(admin.deleteTopics(List.of("doomed")).all()));
        Stage.eventually("the topic is gone", () -> !stage.exists("/brokers/topics/doomed")
                && stage.children("/admin/delete_topics").isEmpty());
        stage.say("delete again", Stage.attempt(admin.deleteTopics(List.of("doomed")).all()));
        stage.say("create anew", stage.create(new NewTopic("doomed", 1, (short) 1)));
    }

    private void configs() throws Exception {
        ConfigResource topic = new ConfigResource(ConfigResource.Type.TOPIC, "orders");
        stage.say("topic", alter(topic, "cleanup.policy", "compact"), alter(topic, "no.such.thing", "1"),
                alter(topic, "retention.ms", "1000"));
        stage.say("topic has", own(topic));
        ConfigResource broker = new ConfigResource(ConfigResource.Type.BROKER, "1");
        stage.say("broker", alter(broker, "log.cleaner.threads", "2"));
        ConfigResource every = new ConfigResource(ConfigResource.Type.BROKER, "");
        stage.say("every broker", alter(every, "message.max.bytes", "2000000"));
        untilEffective(broker, "log.cleaner.threads", "2");
        untilEffective(broker, "message.max.bytes", "2000000");
    }

    private Object alter(ConfigResource resource, String name, String value) throws Exception {
        AlterConfigOp change = new AlterConfigOp(new ConfigEntry(name, value), AlterConfigOp.OpType.SET);
        return Stage.attempt(stage.admin().incrementalAlterConfigs(Map.of(resource, List.of(change))).all());
    }

    /** The broker learns of a change by a watch on /config/changes. */
    private void untilEffective(ConfigResource resource, String name, String value) throws Exception {
        Stage.eventually(name + " is " + value, () -> config(resource).get(name).value().equals(value));
    }

    private Config config(ConfigResource resource) throws Exception {
        return stage.admin().describeConfigs(List.of(resource)).all().get().get(resource);
    }

    private Map<String, String> own(ConfigResource topic) throws Exception {
        Map<String, String> own = new TreeMap<>();
        for (ConfigEntry entry : config(topic).entries()) {
            if (entry.source() == ConfigEntry.ConfigSource.DYNAMIC_TOPIC_CONFIG) {
                own.put(entry.name(), entry.value());
            }
        }
        return own;
    }

    private void users() throws Exception {
        Admin admin = stage.admin();
        ClientQuotaEntity user = new ClientQuotaEntity(Map.of(ClientQuotaEntity.USER, "alice"));
        ClientQuotaEntity both = new ClientQuotaEntity(
                Map.of(ClientQuotaEntity.USER, "alice", ClientQuotaEntity.CLIENT_ID, "app"));
        for (ClientQuotaEntity entity : List.of(user, both)) {
            ClientQuotaAlteration.Op rate = new ClientQuotaAlteration.Op("producer_byte_rate", 5_000_000.0);
            ClientQuotaAlteration quota = new ClientQuotaAlteration(entity, List.of(rate));
            stage.say("quota", Stage.attempt(admin.alterClientQuotas(List.of(quota)).all()));
        }
        stage.say("quotas", admin.describeClientQuotas(ClientQuotaFilter.all()).entities().get().size());
        ScramCredentialInfo strength = new ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, 4096);
        UserScramCredentialUpsertion bob = new UserScramCredentialUpsertion("bob", strength, "secret");
        stage.say("credentials", Stage.attempt(admin.alterUserScramCredentials(List.of(bob)).all()));
        stage.say("users", new TreeMap<>(admin.describeUserScramCredentials().all().get()).keySet());
    }

    private void acls() throws Exception {
        AclBinding alice = guard("guarded");
        stage.say("anybody writes", write("guarded"));
        stage.say("guard", Stage.attempt(stage.admin().createAcls(List.of(alice)).all()));
        Stage.eventually("refused", () -> write("guarded").equals("TopicAuthorizationException"));
        AclBinding prefixed = new AclBinding(new ResourcePattern(ResourceType.GROUP, "app-", PatternType.PREFIXED),
                alice.entry());
        stage.say("more", Stage.attempt(stage.admin().createAcls(List.of(prefixed)).all()));
        stage.say("found", stage.admin().describeAcls(AclBindingFilter.ANY).values().get().size(),
                stage.admin().describeAcls(prefixed.toFilter()).values().get().size());
    }

    /** Only alice, whom nobody here is, may write to that topic. */
    private static AclBinding guard(String topic) {
        AccessControlEntry entry = new AccessControlEntry("User:alice", "*", AclOperation.WRITE, AclPermissionType.ALLOW);
        return new AclBinding(new ResourcePattern(ResourceType.TOPIC, topic, PatternType.LITERAL), entry);
    }

    private String write(String topic) throws Exception {
        try (KafkaProducer<String, String> producer = stage.producer(Map.of(ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG, false))) {
            producer.send(new ProducerRecord<>(topic, 0, null, "1")).get();
            return "written";
        } catch (ExecutionException error) {
            return error.getCause().getClass().getSimpleName();
        }
    }

    /** Records to all partitions of a topic, read by a group that commits how far it came. */
    private void group(String name) throws Exception {
        try (KafkaProducer<String, String> producer = stage.producer(Map.of(ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG, false))) {
            for (int number = 0; number < RECORDS; number++) {
                producer.send(new ProducerRecord<>("orders", number % 5, name + number, String.valueOf(number))).get();
            }
        }
        Map<String, Object> settings = Map.of(ConsumerConfig.GROUP_ID_CONFIG, "readers");
        List<String> values = new ArrayList<>();
        try (KafkaConsumer<String, String> consumer = Load.consumer(stage, settings)) {
            consumer.subscribe(List.of("orders"));
            Stage.eventually("the group has read all", () -> {
                for (ConsumerRecord<String, String> one : consumer.poll(Duration.ofMillis(200))) {
                    values.add(one.key());
                }
                return values.size() >= RECORDS;
            });
            consumer.commitSync();
        }
        stage.say("read", values.size(), "all of " + name, values.stream().allMatch(key -> key.startsWith(name)));
        Map<TopicPartition, OffsetAndMetadata> offsets = stage.admin().listConsumerGroupOffsets("readers")
                .partitionsToOffsetAndMetadata().get();
        stage.say("committed", offsets.entrySet().stream().map(one -> one.getKey() + " " + one.getValue().offset())
                .sorted().collect(Collectors.toList()));
    }

    private void transaction() throws Exception {
        try (KafkaProducer<String, String> producer = stage.producer(Map.of(ProducerConfig.TRANSACTIONAL_ID_CONFIG, "teller"))) {
            producer.initTransactions();
            producer.beginTransaction();
            producer.send(new ProducerRecord<>("committed", 0, null, "in"));
            producer.commitTransaction();
            producer.beginTransaction();
            producer.send(new ProducerRecord<>("committed", 0, null, "out"));
            producer.abortTransaction();
        }
        List<String> values = new ArrayList<>();
        try (KafkaConsumer<String, String> consumer = Load.consumer(stage,
                Map.of(ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed"))) {
            TopicPartition partition = new TopicPartition("committed", 0);
            consumer.assign(List.of(partition));
            long end = consumer.endOffsets(List.of(partition)).get(partition);
            Stage.eventually("read to the end", () -> {
                consumer.poll(Duration.ofMillis(200)).forEach(one -> values.add(one.value()));
                return consumer.position(partition) >= end;
            });
        }
        stage.say("of the transactions", values);
    }

    /** The ZooKeeper server goes twice under a producer: the broker keeps its session, and nothing is lost. */
    private void serverRestarts() throws Exception {
        long session = stage.owner("/brokers/ids/1");
        Load load = new Load(stage, "load", 2);
        load.untilMore(200);
        for (String end : List.of("restart", "crash")) {
            stage.ask(end);
            load.untilMore(200);
            stage.say("create after the " + end, stage.create(new NewTopic("after-" + end, 1, (short) 1)));
            stage.say("same session", stage.owner("/brokers/ids/1") == session, "controller", stage.controller());
        }
        load.account();
    }

    /** The watches are there again: configurations and ACLs still reach the broker, topics can still be deleted. */
    private void notifications(String when) throws Exception {
        ConfigResource broker = new ConfigResource(ConfigResource.Type.BROKER, "1");
        stage.say("broker, " + when, alter(broker, "log.cleaner.threads", "1"));
        untilEffective(broker, "log.cleaner.threads", "1");
        stage.say("still refused", write("guarded"));
        stage.say("unguard", ((Collection<?>) stage.admin().deleteAcls(List.of(guard("guarded").toFilter())).all().get()).size());
        Stage.eventually("written", () -> write("guarded").equals("written"));
        stage.say("delete", Stage.attempt(stage.admin().deleteTopics(List.of("after-restart", "after-crash")).all()));
        Stage.eventually("gone", () -> stage.children("/brokers/topics").stream()
                .noneMatch(name -> name.startsWith("after")) && stage.children("/admin/delete_topics").isEmpty());
        stage.delete("/controller");
        stage.untilController("broker 1 in epoch 2");
        stage.say("elected again", stage.controller());
        stage.say("create", stage.create(new NewTopic("late", Map.of(0, List.of(1)))));
        stage.say("elect", Stage.attempt(stage.admin().electLeaders(ElectionType.PREFERRED, null).all()));
    }

    /** A broker that is silent for longer than its session lasts registers anew when it wakes up. */
    private void sessionExpires() throws Exception {
        long session = stage.owner("/brokers/ids/1");
        stage.ask("pause broker 1");
        Stage.eventually("the session has expired", () -> !stage.exists("/brokers/ids/1"));
        stage.ask("resume broker 1");
        Stage.eventually("registered anew", () -> stage.exists("/brokers/ids/1"));
        stage.untilController("broker 1 in epoch 3");
        stage.say("another session", stage.owner("/brokers/ids/1") != session, stage.controller());
        stage.say("create", stage.create(new NewTopic("awake", 1, (short) 1)));
        stage.say("written", write("awake"));
    }

    private void brokerRestarts() throws Exception {
        stage.ask("stop broker 1");
        Stage.eventually("unregistered", () -> !stage.exists("/brokers/ids/1"));
        // With no broker up, credentials and brokers' settings go straight into ZooKeeper.
        byZooKeeper("--alter", "--add-config", "SCRAM-SHA-512=[iterations=4096,password=secret]", "--entity-type", "users",
                "--entity-name", "carol");
        byZooKeeper("--alter", "--add-config", "message.max.bytes=3000000", "--entity-type", "brokers", "--entity-name", "1");
        stage.ask("start broker 1");
        stage.untilController("broker 1 in epoch 4");
        untilLeading();
        untilEffective(new ConfigResource(ConfigResource.Type.BROKER, "1"), "message.max.bytes", "3000000");
        stage.say("users", new TreeMap<>(stage.admin().describeUserScramCredentials().all().get()).keySet());
        stage.say("orders", stage.partitions("orders"), own(new ConfigResource(ConfigResource.Type.TOPIC, "orders")));
        group("restarted");
        stage.ask("kill broker 1");
        Stage.eventually("the session has expired", () -> !stage.exists("/brokers/ids/1"));
        stage.ask("start broker 1");
        stage.untilController("broker 1 in epoch 5");
        untilLeading();
        group("killed");
    }

    /** The broker is up, and it leads its topics' partitions again. */
    private void untilLeading() throws Exception {
        stage.untilBrokers(1);
        Stage.eventually("its partitions are back", () -> {
            Collection<String> partitions = stage.partitions("orders").values();
            return partitions.size() == 5 && partitions.stream().allMatch(one -> one.startsWith("leader 1"));
        });
    }

    private void byZooKeeper(String... words) throws Exception {
        List<String> all = new ArrayList<>(List.of("--zookeeper", stage.zooKeeper));
        Collections.addAll(all, words);
        ConfigCommand.main(all.toArray(new String[0]));
        stage.say("by ZooKeeper", words[2].replaceAll("=.*", ""), words[words.length - 1]);
    }
}
