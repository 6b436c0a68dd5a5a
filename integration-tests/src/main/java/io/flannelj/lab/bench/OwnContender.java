package io.flannelj.lab.bench;

import io.flannelj.lab.Lab;
import io.flannelj.lab.Node;
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
    private final Map<String, String> environment;

    private OwnContender(String name, String backend, int strangers, Map<String, String> environment) {
        this.name = PREFIX + name;
        this.backend = backend;
        this.strangers = strangers;
        this.environment = environment;
    }

    /**
     * @param strangers leases of nodes that do not exist, so that the tables are as large as in a large cluster
     */
    private OwnContender(String backend, int strangers) {
        this(backend + (strangers == 0 ? "" : "-" + (strangers + 2) + "-peers"), backend, strangers, Map.of());
    }

    /** vxlan once more, with options of Java that come after the launcher's own. */
    static Contender withJavaOptions(String options) {
        return new OwnContender("vxlan-java-options", "vxlan", 0, Map.of("FLANNELD_JAVA_OPTS", options));
    }

    static List<Contender> all() {
        return List.of(new OwnContender("vxlan", 0), new OwnContender("udp", 0), new OwnContender("vxlan", 4998));
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
        lab.nodes().forEach(node -> node.startDaemonWith(environment));
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
