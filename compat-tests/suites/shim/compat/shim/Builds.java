package compat.shim;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.List;

/** Which build the servers of this JVM's tests are of: COMPAT_DOOR_BUILD names it, or several, for servers 1, 2, 3 and so on. */
final class Builds {
    private static final String[] NAMED = System.getenv("COMPAT_DOOR_BUILD").split(",");
    private static final String DATA_FOLDER = "dataDir=";

    private Builds() {}

    /** The build of the server with that zoo.cfg. Behind the last one the first comes again; one without an id is of the first. */
    static String of(Path configFile) throws IOException {
        return NAMED.length == 1 ? NAMED[0] : NAMED[(int) Math.floorMod(idOf(configFile) - 1, (long) NAMED.length)];
    }

    private static long idOf(Path configFile) throws IOException {
        for (String line : Files.readAllLines(configFile)) {
            if (!line.startsWith(DATA_FOLDER)) continue;
            Path file = Paths.get(line.substring(DATA_FOLDER.length())).resolve("myid");
            if (Files.exists(file)) return Long.parseLong(new String(Files.readAllBytes(file), StandardCharsets.UTF_8).trim());
        }
        return 1;
    }

    /** The words of its command, as -Dcompat.commands has them. */
    static List<String> command(String build) throws IOException {
        return Files.readAllLines(Paths.get(System.getProperty("compat.commands"), build));
    }
}
