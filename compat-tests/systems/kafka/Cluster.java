import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.apache.kafka.clients.admin.NewPartitionReassignment;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.ElectionType;
import org.apache.kafka.common.TopicPartition;

/** Two brokers: replicas, the controller killed, leaders moved, the ZooKeeper server killed, all under a producer. */
final class Cluster {
    private static final String BOTH = " in sync [1, 2]";

    private final Stage stage;

    Cluster(Stage stage) {
        this.stage = stage;
    }

    void play() throws Exception {
        stage.ask("start broker 1");
        stage.untilController("broker 1 in epoch 1");
        stage.ask("start broker 2");
        stage.untilBrokers(1, 2);
        NewTopic replicated = new NewTopic("replicated", Map.of(0, List.of(1, 2), 1, List.of(2, 1), 2, List.of(1, 2)));
        stage.say("create", stage.create(replicated));
        stage.say("replicated", stage.untilPartitions("replicated", settled()), "controller", stage.controller());
        Load load = new Load(stage, "replicated", 3);
        load.untilMore(200);
        serverDies(load);
        controllerDies(load);
        leadersMove(load);
        replicasMove();
        load.account();
        stage.ask("stop broker 2");
        Stage.eventually("broker 1 leads alone", () -> stage.partitions("replicated").values().stream()
                .allMatch(one -> one.startsWith("leader 1") && one.endsWith("in sync [1]")));
        stage.untilController("broker 1 in epoch 3");
        stage.say("controller", stage.controller());
        stage.ask("stop broker 1");
        stage.say("registered", stage.children("/brokers/ids"));
    }

    /** Leaders as preferred, every replica in sync. */
    private static Map<Integer, String> settled() {
        String first = "leader 1 of [1, 2]" + BOTH;
        return new TreeMap<>(Map.of(0, first, 1, "leader 2 of [2, 1]" + BOTH, 2, first));
    }

    private void serverDies(Load load) throws Exception {
        List<Long> sessions = sessions();
        for (String end : List.of("restart", "crash")) {
            stage.ask(end);
            load.untilMore(200);
            stage.say("same sessions after the " + end, sessions.equals(sessions()), stage.controller());
        }
    }

    private List<Long> sessions() throws Exception {
        return List.of(stage.owner("/brokers/ids/1"), stage.owner("/brokers/ids/2"), stage.owner("/controller"));
    }

    private void controllerDies(Load load) throws Exception {
        stage.ask("kill broker 1");
        stage.untilController("broker 2 in epoch 2");
        Map<Integer, String> alone = new TreeMap<>();
        settled().forEach((partition, text) ->
                alone.put(partition, text.replaceAll("leader .", "leader 2").replace(BOTH, " in sync [2]")));
        Map<Integer, String> left = stage.untilPartitions("replicated", alone);
        stage.say("controller", stage.controller(), left);
        load.untilMore(200);
        stage.say("create", stage.create(new NewTopic("alone", Map.of(0, List.of(2)))));
        stage.ask("start broker 1");
        stage.untilBrokers(1, 2);
        Map<Integer, String> back = stage.untilPartitions("replicated", "both in sync", partitions ->
                partitions.values().stream().allMatch(one -> one.endsWith(BOTH)));
        stage.say("back", back, "controller", stage.controller());
    }

    private void leadersMove(Load load) throws Exception {
        TopicPartition first = new TopicPartition("replicated", 0);
        stage.say("elect two", elected(Set.of(first, new TopicPartition("replicated", 1))));
        stage.say("elect all", elected(null));
        stage.say("replicated", stage.untilPartitions("replicated", settled()));
        load.untilMore(200);
    }

    /** The outcome for each partition whose preferred leader was elected; null stands for all partitions. */
    private Map<String, String> elected(Set<TopicPartition> partitions) throws Exception {
        Map<String, String> outcomes = new TreeMap<>();
        stage.admin().electLeaders(ElectionType.PREFERRED, partitions).partitions().get().forEach((partition, error) -> {
            if (partition.topic().equals("replicated")) {
                outcomes.put(partition.toString(), error.map(one -> one.getClass().getSimpleName()).orElse("done"));
            }
        });
        return outcomes;
    }

    /** A partition moves from one broker to the other while the server is restarted. */
    private void replicasMove() throws Exception {
        TopicPartition moving = new TopicPartition("alone", 0);
        Optional<NewPartitionReassignment> target = Optional.of(new NewPartitionReassignment(List.of(1)));
        stage.say("move", Stage.attempt(stage.admin().alterPartitionReassignments(Map.of(moving, target)).all()));
        List<Long> sessions = sessions();
        stage.ask("crash");
        Stage.eventually("moved", () -> stage.partitions("alone").equals(Map.of(0, "leader 1 of [1] in sync [1]")));
        Stage.eventually("nothing is moving", () -> stage.admin().listPartitionReassignments().reassignments().get().isEmpty());
        stage.say("alone", stage.partitions("alone"), "same sessions", sessions.equals(sessions()));
    }
}
