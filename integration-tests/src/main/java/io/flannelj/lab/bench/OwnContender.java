package io.flannelj.lab.bench;

import io.flannelj.lab.Distribution;
import io.flannelj.lab.Lab;
import io.flannelj.lab.Node;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** flanneld-j itself: the built distribution, with pods wired by its plugin. */
final class OwnContender implements Contender {
    static final String PREFIX = "flanneld-j-";
    private static final int FIRST_STRANGER = 10 << 24 | 128 << 16;

    private final String name;
    private final String backend;
    private final int strangers;
    private final List<String> flagsOfSecond;
    private final Map<String, String> environment;
    private final Path distribution;

    private OwnContender(
            String name,
            String backend,
            int strangers,
            List<String> flagsOfSecond,
            Map<String, String> environment,
            Path distribution) {
        this.name = PREFIX + name;
        this.flagsOfSecond = List.copyOf(flagsOfSecond);
        this.backend = backend;
        this.strangers = strangers;
        this.environment = environment;
        this.distribution = distribution;
    }

    /**
     * @param strangers leases of nodes that do not exist, so that the tables are as large as in a large cluster
     */
    private OwnContender(String backend, int strangers) {
        this(
                backend + (strangers == 0 ? "" : "-" + (strangers + 2) + "-peers"),
                backend,
                strangers,
                List.of(),
                Map.of(),
                Distribution.home());
    }

    /** vxlan in user space on the first node, which sends, and by the kernel on the second. */
    private static Contender towardsKernel() {
        return new OwnContender(
                "vxlan-towards-kernel",
                "vxlan",
                0,
                List.of("--vxlan-datapath", "kernel"),
                Map.of(),
                Distribution.home());
    }

    /** vxlan once more, with options of Java that come after the launcher's own. */
    static Contender withJavaOptions(String options) {
        Map<String, String> environment = Map.of("FLANNELD_JAVA_OPTS", options);
        return new OwnContender("vxlan-java-options", "vxlan", 0, List.of(), environment, Distribution.home());
    }

    /** vxlan once more, with variables that stand for flags. */
    static Contender withEnvironment(Map<String, String> environment) {
        return new OwnContender("vxlan-environment", "vxlan", 0, List.of(), environment, Distribution.home());
    }

    /**
     * vxlan of another version.
     *
     * @param distribution where that is built, {@code …/deploy/target/flanneld-j}
     */
    static Contender before(Path distribution) {
        return new OwnContender("vxlan-before", "vxlan", 0, List.of(), Map.of(), distribution);
    }

    static List<Contender> all() {
        return List.of(
                new OwnContender("vxlan", 0),
                towardsKernel(),
                new OwnContender("udp", 0),
                new OwnContender("vxlan", 4998));
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public Optional<String> missing() {
        return Optional.empty();
    }

    @Override
    public Rig build(Lab lab) {
        lab.configure(
                "{\"Network\":\"10.0.0.0/8\",\"SubnetLen\":24,\"SubnetMax\":\"10.9.255.0\",\"Backend\":{\"Type\":\""
                        + backend + "\"}}");
        for (int i = 0; i < strangers; i++) {
            addStranger(lab, i);
        }
        lab.nodes().forEach(node -> node.install(distribution));
        lab.node(1).startDaemonWith(environment);
        lab.node(2).startDaemonWith(environment, flagsOfSecond.toArray(String[]::new));
        lab.nodes().forEach(Node::awaitReady);
        lab.nodes().forEach(node -> node.awaitPeers(strangers + 1));
        List<Long> daemons = lab.nodes().stream().map(Node::daemonPid).toList();
        return new Rig(lab, lab.node(1).addPod(), lab.node(2).addPod(), daemons).ready();
    }

    private static void addStranger(Lab lab, int number) {
        int subnet = FIRST_STRANGER + (number << 8);
        String key = (subnet >>> 24) + "." + (subnet >>> 16 & 255) + "." + (subnet >>> 8 & 255) + ".0-24";
        String node = "172.20." + (number >>> 8) + "." + (number & 255);
        lab.etcd()
                .put(
                        Lab.PREFIX + "/subnets/" + key,
                        String.format(
                                "{\"PublicIP\":\"%s\",\"PublicIPv6\":null,\"BackendType\":\"vxlan\",\"BackendData\":"
                                        + "{\"VNI\":1,\"VtepMAC\":\"0a:00:00:00:%02x:%02x\"}}",
                                node, number >>> 8, number & 255));
    }
}
