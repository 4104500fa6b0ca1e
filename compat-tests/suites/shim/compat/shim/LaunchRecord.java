package compat.shim;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;

/**
 * The line that each start of a server leaves in the file of COMPAT_DOOR_RECORDS, in the form of launch-records.ts: proof of
 * which server a test met.
 */
final class LaunchRecord {
    private static final int HASH_BYTES = 6;

    private LaunchRecord() {}

    static void write(long pid, String build, Path configFile) throws IOException {
        String line = "{" + Json.member("at", Instant.now().toString())
                + "," + Json.member("suite", System.getenv("COMPAT_DOOR_SUITE"))
                + "," + Json.member("build", build)
                + ",\"pid\":" + pid
                + "," + Json.member("config", configFile.toString())
                + "," + Json.member("configHash", hash(Files.readAllBytes(configFile)))
                + ",\"dropped\":[]}\n";
        append(Paths.get(System.getenv("COMPAT_DOOR_RECORDS")), line);
    }

    static void append(Path file, String line) throws IOException {
        Files.write(file, line.getBytes(StandardCharsets.UTF_8), StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    }

    private static String hash(byte[] bytes) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(bytes);
            StringBuilder hex = new StringBuilder();
            for (int i = 0; i < HASH_BYTES; i++) hex.append(String.format("%02x", digest[i]));
            return hex.toString();
        } catch (NoSuchAlgorithmException impossible) {
            throw new IllegalStateException(impossible);
        }
    }
}
