package io.flannelj.lab;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Three etcds that are one store, in the switch's namespace. */
public final class EtcdCluster {
    private static final int FIRST_PORT = 2379;
    private static final int PORTS_EACH = 10;
    private static final int MEMBERS = 3;

    private final List<EtcdServer> members;

    EtcdCluster(Workspace workspace, String namespace, String address) {
        String cluster = IntStream.range(0, MEMBERS)
                .mapToObj(i -> "etcd" + i + "=http://127.0.0.1:" + (port(i) + 1))
                .collect(Collectors.joining(","));
        members = IntStream.range(0, MEMBERS)
                .mapToObj(i -> new EtcdServer(
                        workspace,
                        new EtcdServer.Setup("etcd" + i, namespace, address, port(i), cluster, false, List.of())))
                .toList();
        members.forEach(EtcdServer::awaitAnswer);
    }

    private static int port(int member) {
        return FIRST_PORT + member * PORTS_EACH;
    }

    /** All of them, as daemons are given them. */
    public String urls() {
        return members.stream().map(EtcdServer::url).collect(Collectors.joining(","));
    }

    public List<EtcdServer> members() {
        return members;
    }

    /** Whoever leads now, or as soon as somebody does. */
    public EtcdServer leader() {
        return leaderOf(members);
    }

    /** The one who leads once {@code gone} cannot. */
    public EtcdServer leaderInsteadOf(EtcdServer gone) {
        return leaderOf(members.stream().filter(member -> member != gone).toList());
    }

    private static EtcdServer leaderOf(List<EtcdServer> candidates) {
        List<EtcdServer> leaders = new ArrayList<>();
        Wait.until("a leader", Duration.ofSeconds(20), () -> {
            candidates.stream().filter(EtcdCluster::leads).forEach(leaders::add);
            return !leaders.isEmpty();
        });
        return leaders.get(0);
    }

    private static boolean leads(EtcdServer member) {
        try {
            return member.isLeader();
        } catch (LabException e) {
            return false; // it does not run
        }
    }
}
