import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** The configuration as the changes taken so far make it, each setting with its version. */
final class Settings {
    /** A value, and the version of the znode that it comes from. */
    record Setting(int version, String value) {
        /** The number behind `key=` in the value. */
        int number(String key) {
            for (String part : value.split(" ")) {
                if (part.startsWith(key + "=")) {
                    return Integer.parseInt(part.substring(key.length() + 1));
                }
            }
            throw new IllegalArgumentException("no " + key + " in " + value);
        }
    }

    private final Map<String, Setting> settings = new ConcurrentHashMap<>();

    /**
     * Applies a change, `risk-limits v3 max-order=500`.
     *
     * @throws IllegalStateException when it is not the one that comes next: to go on would be to guess.
     */
    void apply(String change) {
        String[] parts = change.split(" ", 3);
        int version = Integer.parseInt(parts[1].substring(1));
        Setting before = settings.get(parts[0]);
        int expected = before == null ? 0 : before.version() + 1;
        if (version != expected) {
            throw new IllegalStateException("version " + expected + " should come next: " + change);
        }
        settings.put(parts[0], new Setting(version, parts[2]));
    }

    /** The setting, or null when it has not been written yet. */
    Setting get(String name) {
        return settings.get(name);
    }
}
