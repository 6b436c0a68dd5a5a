package io.flannelj.lab.bench;

import io.flannelj.lab.Lab;
import io.flannelj.lab.LabException;
import io.flannelj.lab.Node;
import io.flannelj.lab.Pod;
import io.flannelj.lab.Wait;
import io.flannelj.net.IpFamily;
import io.flannelj.net.SubnetEnv;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The real flannel with its own userspace backend, on amd64. */
final class FlannelUdp implements Contender {
    static final String NAME = "flannel-udp";

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public Optional<String> missing() {
        return Contender.needs(program());
    }

    private static Path program() {
        String named = System.getenv("FLANNELD_BIN");
        return named != null && !named.isEmpty() ? Path.of(named) : Peers.program("flanneld");
    }

    @Override
    public Rig build(Lab lab) {
        lab.configure("{\"Network\":\"10.5.0.0/16\",\"Backend\":{\"Type\":\"udp\"}}");
        List<Long> daemons = new ArrayList<>();
        for (Node node : lab.nodes()) {
            Process daemon = node.start(
                    node.directory().resolve("flanneld.log"),
                    program().toString(),
                    "--etcd-endpoints",
                    lab.etcd().url(),
                    "--iface",
                    "eth0",
                    "--subnet-file",
                    node.subnetFile().toString());
            daemons.add(daemon.pid());
        }
        Pod client = wire(lab.node(1));
        Pod server = wire(lab.node(2));
        return new Rig(lab, client, server, daemons).ready();
    }

    private static Pod wire(Node node) {
        Wait.until("flannel has a subnet", Duration.ofSeconds(20), () -> Files.exists(node.subnetFile()));
        SubnetEnv env = SubnetEnv.readIfUsable(node.subnetFile())
                .orElseThrow(() -> new LabException("flannel's subnet file cannot be read"));
        String gateway = env.subnets().require(IpFamily.IPV4).toString();
        return node.addUnwiredPod().wireByHand(gateway.substring(0, gateway.lastIndexOf('.')), env.mtuBytes());
    }
}
