import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The scenarios of README.md in the folder above, played by the official Java client 3.9.5: first as the old client plays
 * them, then with all that has come since.
 *
 * usage: Scenarios HOST:PORT SCENARIO
 */
public final class Scenarios {
    private Scenarios() {}

    public static void main(String[] words) {
        String server = words[0];
        NewZnodes znodes = new NewZnodes(server);
        NewWatching watching = new NewWatching(server);
        Trace.newer = NewZnodes::describe;
        Map<String, Stage.Play> scenarios = new LinkedHashMap<>(OldScenarios.all(server));
        then(scenarios, "crud", znodes::configuration);
        then(scenarios, "create-modes", znodes::createModes);
        then(scenarios, "multi", znodes::multi);
        then(scenarios, "acl", znodes::whoAmI);
        then(scenarios, "chroot", znodes::chroot);
        then(scenarios, "many-children", znodes::manyChildren);
        then(scenarios, "watches", watching::watches);
        then(scenarios, "watch-order", watching::watchOrder);
        scenarios.put("ttl-and-containers", znodes::ttlAndContainers);
        Stage.play(scenarios, words[1]);
    }

    private static void then(Map<String, Stage.Play> scenarios, String name, Stage.Play more) {
        Stage.Play first = scenarios.get(name);
        scenarios.put(name, () -> {
            first.run();
            more.run();
        });
    }
}
