package io.flannelj.lab.bench;

import io.flannelj.lab.Lab;
import io.flannelj.lab.Node;
import java.util.List;
import java.util.Optional;

/** What the kernel does by itself: the ceiling, and the yardstick. */
final class KernelContenders {
    static final String YARDSTICK = "kernel-vxlan";

    private KernelContenders() {}

    static List<Contender> all() {
        return List.of(new PlainRouting(), new KernelVxlan());
    }

    /** Routes and no tunnel, as host-gw makes them: what the machine gives at best. */
    private static final class PlainRouting implements Contender {
        @Override
        public String name() {
            return "plain-routing";
        }

        @Override
        public Optional<String> missing() {
            return Optional.empty();
        }

        @Override
        public Rig build(Lab lab) {
            Rig rig = Rig.byHand(lab, 1500, List.of());
            for (int i = 1; i <= 2; i++) {
                Node other = lab.node(3 - i);
                lab.node(i)
                        .run("ip", "route", "add", "10.5." + (3 - i) + ".0/24", "via", other.address(), "dev", "eth0")
                        .orThrow();
            }
            return rig.ready();
        }
    }

    /** VXLAN in the kernel, set up as flannel does (device, neighbour, FDB, route). */
    private static final class KernelVxlan implements Contender {
        @Override
        public String name() {
            return YARDSTICK;
        }

        @Override
        public Optional<String> missing() {
            return Optional.empty();
        }

        @Override
        public Rig build(Lab lab) {
            Rig rig = Rig.byHand(lab, 1450, List.of());
            for (int i = 1; i <= 2; i++) {
                Node node = lab.node(i);
                int peer = 3 - i;
                String gateway = "10.5." + peer + ".0";
                node.run(("ip link add flannel.1 mtu 1450 address 02:00:00:00:00:0" + i
                                        + " type vxlan id 1 local " + node.address()
                                        + " dev eth0 dstport 8472 nolearning")
                                .split(" "))
                        .orThrow();
                node.run(("ip addr add 10.5." + i + ".0/32 dev flannel.1").split(" "))
                        .orThrow();
                node.run("ip link set flannel.1 up".split(" ")).orThrow();
                node.run(("ip neigh add " + gateway + " lladdr 02:00:00:00:00:0" + peer
                                        + " dev flannel.1 nud permanent")
                                .split(" "))
                        .orThrow();
                node.run(("bridge fdb add 02:00:00:00:00:0" + peer + " dev flannel.1 self dst "
                                        + lab.node(peer).address())
                                .split(" "))
                        .orThrow();
                node.run(("ip route add " + gateway + "/24 via " + gateway + " dev flannel.1 onlink").split(" "))
                        .orThrow();
            }
            return rig.ready();
        }
    }
}
