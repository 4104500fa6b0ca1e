package org.apache.zookeeper.client;

import java.net.InetSocketAddress;
import java.util.ArrayList;
import org.apache.zookeeper.common.PathUtils;

/**
 * Stands in for the 3.4 client's class of this name, and changes nothing else of that client. The original leaves addresses
 * unresolved and its StaticHostProvider takes a host's name from their text, which reads `HOST/(unresolved):PORT` since
 * Java 14: the client never connects. These addresses are resolved, and it does.
 */
public final class ConnectStringParser {
    private static final int DEFAULT_PORT = 2181;

    private final String chrootPath;
    private final ArrayList<InetSocketAddress> addresses = new ArrayList<>();

    /** @param servers `HOST[:PORT][,HOST[:PORT]...][/CHROOT]` */
    public ConnectStringParser(String servers) {
        int slash = servers.indexOf('/');
        String chroot = slash < 0 ? "/" : servers.substring(slash);
        PathUtils.validatePath(chroot);
        chrootPath = chroot.equals("/") ? null : chroot;
        for (String server : servers.substring(0, slash < 0 ? servers.length() : slash).split(",")) {
            int colon = server.lastIndexOf(':');
            String host = colon < 0 ? server : server.substring(0, colon);
            int port = colon < 0 ? DEFAULT_PORT : Integer.parseInt(server.substring(colon + 1));
            addresses.add(new InetSocketAddress(host, port));
        }
    }

    public String getChrootPath() {
        return chrootPath;
    }

    public ArrayList<InetSocketAddress> getServerAddresses() {
        return addresses;
    }
}
