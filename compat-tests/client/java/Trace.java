import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.zip.CRC32;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.OpResult;
import org.apache.zookeeper.WatchedEvent;
import org.apache.zookeeper.data.ACL;
import org.apache.zookeeper.data.Stat;

/**
 * What a scenario sees, one JSON value a line on stdout. README.md in the folder above says how values look; data of more
 * than 200 bytes shows as its length and checksum, data that is no UTF-8 as hex.
 */
final class Trace {
    private static final int LONGEST_SHOWN = 200;
    private static final PrintStream OUT = new PrintStream(System.out, false, StandardCharsets.UTF_8);
    private static final BufferedReader IN =
            new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));

    /** Shows what only a newer client has; null for everything else. */
    static Function<Object, Object> newer = value -> null;

    private Trace() {}

    /** A line: a list of values. */
    static synchronized void say(Object... values) {
        OUT.println(json(Arrays.asList(values)));
        OUT.flush();
    }

    /** A line: an event, with the names of the session and the watcher that it reached. */
    static synchronized void sayEvent(String session, String watcher, WatchedEvent event) {
        Map<String, Object> fields = eventFields(event);
        fields.put("session", session);
        fields.put("watcher", watcher);
        OUT.println(json(fields));
        OUT.flush();
    }

    /** Asks for something to be done to the server, and waits until it is done. */
    static synchronized void ask(String wish) throws IOException {
        OUT.println(json(record("ask", wish)));
        OUT.flush();
        if (IN.readLine() == null) {
            throw new IOException("nobody answers to " + wish);
        }
    }

    /** An object with these keys and values, in order. */
    static Map<String, Object> record(Object... keysAndValues) {
        Map<String, Object> fields = new LinkedHashMap<>();
        for (int at = 0; at < keysAndValues.length; at += 2) {
            fields.put((String) keysAndValues[at], keysAndValues[at + 1]);
        }
        return fields;
    }

    /** Bytes of a text, null for null. */
    static byte[] bytes(String text) {
        return text == null ? null : text.getBytes(StandardCharsets.UTF_8);
    }

    static Map<String, Object> eventFields(WatchedEvent event) {
        Map<String, Object> fields = record(
                "event", event.getType().name(), "path", event.getPath(), "state", event.getState().name());
        Object more = newer.apply(event);
        if (more != null) {
            fields.put("zxid", more);
        }
        return fields;
    }

    static String json(Object value) {
        if (value == null || value instanceof Boolean || value instanceof Integer || value instanceof Long) {
            return String.valueOf(value);
        }
        if (value instanceof byte[]) {
            return json(shownData((byte[]) value));
        }
        if (value instanceof List) {
            List<String> parts = new ArrayList<>();
            for (Object part : (List<?>) value) {
                parts.add(json(part));
            }
            return "[" + String.join(",", parts) + "]";
        }
        if (value instanceof Map) {
            List<String> parts = new ArrayList<>();
            for (Map.Entry<?, ?> entry : ((Map<?, ?>) value).entrySet()) {
                parts.add(quoted((String) entry.getKey()) + ":" + json(entry.getValue()));
            }
            return "{" + String.join(",", parts) + "}";
        }
        Object shown = shown(value);
        return shown == null ? quoted(value.toString()) : json(shown);
    }

    /** A value of ZooKeeper's as lists, maps and texts; null when it is best shown as its text. */
    private static Object shown(Object value) {
        if (value instanceof Stat) {
            return statFields((Stat) value);
        }
        if (value instanceof ACL) {
            ACL entry = (ACL) value;
            return record("perms", entry.getPerms(), "scheme", entry.getId().getScheme(), "id", entry.getId().getId());
        }
        if (value instanceof KeeperException) {
            KeeperException error = (KeeperException) value;
            return record("error", error.code().name(), "path", error.getPath());
        }
        if (value instanceof AsyncCalls.UnknownCode) {
            return record("error", ((AsyncCalls.UnknownCode) value).code);
        }
        if (value instanceof Throwable) {
            return record("error", value.getClass().getSimpleName());
        }
        Object more = newer.apply(value);
        return more == null && value instanceof OpResult ? resultFields((OpResult) value) : more;
    }

    private static Object resultFields(OpResult result) {
        if (result instanceof OpResult.ErrorResult) {
            int code = ((OpResult.ErrorResult) result).getErr();
            KeeperException.Code known = KeeperException.Code.get(code);
            return record("result", "error", "code", known == null ? code : known.name());
        }
        if (result instanceof OpResult.CreateResult) {
            return record("result", "create", "path", ((OpResult.CreateResult) result).getPath());
        }
        if (result instanceof OpResult.SetDataResult) {
            return record("result", "set", "stat", ((OpResult.SetDataResult) result).getStat());
        }
        return record("result", result instanceof OpResult.CheckResult ? "check" : "delete");
    }

    private static Object statFields(Stat stat) {
        return record(
                "czxid", stat.getCzxid(),
                "mzxid", stat.getMzxid(),
                "ctime", stat.getCtime(),
                "mtime", stat.getMtime(),
                "version", stat.getVersion(),
                "cversion", stat.getCversion(),
                "aversion", stat.getAversion(),
                "ephemeralOwner", "0x" + Long.toHexString(stat.getEphemeralOwner()),
                "dataLength", stat.getDataLength(),
                "numChildren", stat.getNumChildren(),
                "pzxid", stat.getPzxid());
    }

    private static Object shownData(byte[] data) {
        if (data.length > LONGEST_SHOWN) {
            CRC32 checksum = new CRC32();
            checksum.update(data);
            return record("bytes", data.length, "crc32", checksum.getValue());
        }
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(data)).toString();
        } catch (CharacterCodingException error) {
            StringBuilder hex = new StringBuilder();
            for (byte one : data) {
                hex.append(String.format("%02x", one));
            }
            return record("hex", hex.toString());
        }
    }

    private static String quoted(String text) {
        StringBuilder line = new StringBuilder("\"");
        for (char unit : text.toCharArray()) {
            if (unit == '"' || unit == '\\') {
                line.append('\\').append(unit);
            } else if (unit < ' ' || unit > '~') {
                line.append(String.format("\\u%04x", (int) unit));
            } else {
                line.append(unit);
            }
        }
        return line.append('"').toString();
    }
}
