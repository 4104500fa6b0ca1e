import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The scenarios of README.md in the folder above as far as the API of the official Java client 3.4.14 goes. It is compiled
 * against that client for the old client, and against 3.9.5 as the first part of what the new one plays.
 *
 * usage: OldScenarios HOST:PORT SCENARIO
 */
public final class OldScenarios {
    private OldScenarios() {}

    public static void main(String[] words) {
        Stage.play(all(words[0]), words[1]);
    }

    static Map<String, Stage.Play> all(String server) {
        Znodes znodes = new Znodes(server);
        Bulk bulk = new Bulk(server);
        Realms realms = new Realms(server);
        Watching watching = new Watching(server);
        Sessions sessions = new Sessions(server);
        Map<String, Stage.Play> scenarios = new LinkedHashMap<>();
        scenarios.put("crud", znodes::crud);
        scenarios.put("create-modes", znodes::createModes);
        scenarios.put("unicode", znodes::unicode);
        scenarios.put("multi", new Transactions(server)::multi);
        scenarios.put("acl", new Access(server)::acl);
        scenarios.put("watches", watching::watches);
        scenarios.put("watch-order", watching::watchOrder);
        scenarios.put("session-end", sessions::sessionEnd);
        scenarios.put("session-expiry", sessions::sessionExpiry);
        scenarios.put("session-move", sessions::sessionMove);
        scenarios.put("restart", sessions::restart);
        scenarios.put("crash", sessions::crash);
        scenarios.put("chroot", realms::chroot);
        scenarios.put("quotas", realms::quotas);
        scenarios.put("large-data", bulk::largeData);
        scenarios.put("many-children", bulk::manyChildren);
        scenarios.put("steady-load", new SteadyLoad(server)::play);
        return scenarios;
    }
}
