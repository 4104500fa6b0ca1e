package compat.shim;

import static net.bytebuddy.matcher.ElementMatchers.any;
import static net.bytebuddy.matcher.ElementMatchers.isDeclaredBy;
import static net.bytebuddy.matcher.ElementMatchers.named;
import static net.bytebuddy.matcher.ElementMatchers.takesArguments;

import java.net.InetSocketAddress;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.Set;
import net.bytebuddy.ByteBuddy;
import net.bytebuddy.agent.ByteBuddyAgent;
import net.bytebuddy.asm.Advice;
import net.bytebuddy.asm.AsmVisitorWrapper;
import net.bytebuddy.asm.MemberSubstitution;
import net.bytebuddy.dynamic.DynamicType;
import net.bytebuddy.dynamic.loading.ClassReloadingStrategy;
import org.apache.zookeeper.server.quorum.Follower;
import org.apache.zookeeper.server.quorum.Leader;
import org.apache.zookeeper.server.quorum.MultipleAddresses;
import org.apache.zookeeper.server.quorum.Observer;
import org.apache.zookeeper.server.quorum.QuorumPeer;
import org.apache.zookeeper.server.quorum.QuorumPeer.QuorumServer;
import org.apache.zookeeper.server.quorum.QuorumPeer.ServerState;
import org.apache.zookeeper.server.quorum.flexible.QuorumVerifier;
import org.junit.platform.engine.support.descriptor.ClassSource;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.TestPlan;
import org.objenesis.ObjenesisStd;

/**
 * Leads the few methods of ZooKeeper's QuorumPeer by which tests start a member, stop it and ask for its role to PeerProcess.
 * The class itself stays as it is published, since tests and the client's parser of configurations need the rest of it.
 *
 * Tests also look at its fields `leader`, `follower` and `observer`, for whether there is one. There they are given an empty
 * object that says so; a test that wants more of it fails.
 */
final class PeerMethods {
    private static final String[] READERS = {
        "org.apache.zookeeper.server.quorum.QuorumPeerTestBase$Servers", "org.apache.zookeeper.test.QuorumUtil"
    };

    private PeerMethods() {}

    /** Does so in this JVM, for the tests of the plan. */
    static void lead(TestPlan plan) {
        ByteBuddyAgent.install();
        load(new ByteBuddy().redefine(QuorumPeer.class)
                .visit(Advice.to(Start.class).on(named("loadDataBase")))
                .visit(Advice.to(Nothing.class).on(named("startLeaderElection").or(named("startJvmPauseMonitor"))))
                .visit(Advice.to(UntilEnd.class).on(named("run").and(takesArguments(0))))
                .visit(Advice.to(Stop.class).on(named("shutdown").and(takesArguments(0))))
                .visit(Advice.to(State.class).on(named("getPeerState")))
                .visit(Advice.to(Members.class).on(named("getQuorumVerifier")))
                .visit(Advice.to(QuorumAddress.class).on(named("getQuorumAddress")))
                .visit(Advice.to(ElectionAddress.class).on(named("getElectionAddress")))
                .visit(Advice.to(ClientAddress.class).on(named("getClientAddress").and(takesArguments(0))))
                .visit(Advice.to(ClientPort.class).on(named("getClientPort"))));
        for (Class<?> reader : readers(plan)) {
            load(new ByteBuddy().redefine(reader)
                    .visit(reads("leader", "leaderOf"))
                    .visit(reads("follower", "followerOf"))
                    .visit(reads("observer", "observerOf")));
        }
    }

    private static Collection<Class<?>> readers(TestPlan plan) {
        Set<Class<?>> found = new LinkedHashSet<>();
        for (String name : READERS) found.add(classOf(name));
        for (TestIdentifier root : plan.getRoots()) {
            for (TestIdentifier test : plan.getDescendants(root)) {
                test.getSource().filter(ClassSource.class::isInstance)
                        .ifPresent(source -> found.add(classOf(((ClassSource) source).getClassName())));
            }
        }
        return found;
    }

    private static Class<?> classOf(String name) {
        try {
            return Class.forName(name, false, PeerMethods.class.getClassLoader());
        } catch (ClassNotFoundException absent) {
            throw new IllegalStateException(absent);
        }
    }

    /** A look at that field of a peer becomes a call of that method here. */
    private static AsmVisitorWrapper reads(String field, String method) {
        try {
            return MemberSubstitution.relaxed()
                    .field(named(field).and(isDeclaredBy(QuorumPeer.class)))
                    .onRead()
                    .replaceWith(Roles.class.getMethod(method, QuorumPeer.class))
                    .on(any());
        } catch (NoSuchMethodException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    private static void load(DynamicType.Builder<?> changed) {
        changed.make().load(PeerMethods.class.getClassLoader(), ClassReloadingStrategy.fromInstalledAgent());
    }

    /** What stands in the fields of a peer in a role. */
    public static final class Roles {
        private static final Leader LEADER = new ObjenesisStd().newInstance(Leader.class);
        private static final Follower FOLLOWER = new ObjenesisStd().newInstance(Follower.class);
        private static final Observer OBSERVER = new ObjenesisStd().newInstance(Observer.class);

        private Roles() {}

        public static Leader leaderOf(QuorumPeer peer) {
            return PeerProcess.stateOf(peer) == ServerState.LEADING ? LEADER : null;
        }

        public static Follower followerOf(QuorumPeer peer) {
            return PeerProcess.stateOf(peer) == ServerState.FOLLOWING ? FOLLOWER : null;
        }

        public static Observer observerOf(QuorumPeer peer) {
            return PeerProcess.stateOf(peer) == ServerState.OBSERVING ? OBSERVER : null;
        }
    }

    // What follows is copied into the methods of QuorumPeer, before or behind their own code.

    private static final class Start {
        @Advice.OnMethodEnter(skipOn = Advice.OnNonDefaultValue.class)
        static boolean instead(@Advice.This QuorumPeer peer) {
            PeerProcess.start(peer);
            return true;
        }
    }

    private static final class Nothing {
        @Advice.OnMethodEnter(skipOn = Advice.OnNonDefaultValue.class)
        static boolean instead() {
            return true;
        }
    }

    private static final class UntilEnd {
        @Advice.OnMethodEnter(skipOn = Advice.OnNonDefaultValue.class)
        static boolean instead(@Advice.This QuorumPeer peer) {
            PeerProcess.untilEnd(peer);
            return true;
        }
    }

    private static final class Stop {
        @Advice.OnMethodEnter(skipOn = Advice.OnNonDefaultValue.class)
        static boolean instead(@Advice.This QuorumPeer peer) {
            PeerProcess.stop(peer);
            return true;
        }
    }

    private static final class State {
        @Advice.OnMethodExit
        static void behind(@Advice.This QuorumPeer peer, @Advice.Return(readOnly = false) ServerState state) {
            state = PeerProcess.stateOf(peer);
        }
    }

    private static final class Members {
        @Advice.OnMethodExit
        static void behind(@Advice.This QuorumPeer peer, @Advice.Return(readOnly = false) QuorumVerifier members) {
            members = PeerProcess.membersOf(peer, members);
        }
    }

    private static final class QuorumAddress {
        @Advice.OnMethodExit
        static void behind(@Advice.This QuorumPeer peer, @Advice.Return(readOnly = false) MultipleAddresses address) {
            QuorumServer member = PeerProcess.memberOf(peer);
            if (member != null) address = member.addr;
        }
    }

    private static final class ElectionAddress {
        @Advice.OnMethodExit
        static void behind(@Advice.This QuorumPeer peer, @Advice.Return(readOnly = false) MultipleAddresses address) {
            QuorumServer member = PeerProcess.memberOf(peer);
            if (member != null) address = member.electionAddr;
        }
    }

    private static final class ClientAddress {
        @Advice.OnMethodExit
        static void behind(@Advice.This QuorumPeer peer, @Advice.Return(readOnly = false) InetSocketAddress address) {
            QuorumServer member = PeerProcess.memberOf(peer);
            if (member != null && member.clientAddr != null) address = member.clientAddr;
        }
    }

    private static final class ClientPort {
        @Advice.OnMethodExit
        static void behind(@Advice.This QuorumPeer peer, @Advice.Return(readOnly = false) int port) {
            QuorumServer member = PeerProcess.memberOf(peer);
            if (member != null && member.clientAddr != null) port = member.clientAddr.getPort();
        }
    }
}
