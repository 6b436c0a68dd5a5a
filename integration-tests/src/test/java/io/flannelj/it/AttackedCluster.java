package io.flannelj.it;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.flannelj.lab.Attacker;
import io.flannelj.lab.Commands;
import io.flannelj.lab.Forgery;
import io.flannelj.lab.Lab;
import io.flannelj.lab.Node;
import io.flannelj.lab.Pod;
import io.flannelj.net.IpFamily;
import io.flannelj.net.SubnetEnv;
import java.io.IOException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Three nodes, the attacker's pod and its neighbour on the first, one pod on each of the others, and what pods, strangers and
 * peers send there that they should not. Whether it got through is asked of the kernel: the victim counts datagrams to a closed
 * port.
 */
final class AttackedCluster implements AutoCloseable {
    private static final String[] COUNT = {"nstat", "-asz", "UdpNoPorts", "Udp6NoPorts"};
    private static final int SERVICE_PORT = 30500;
    private static final Duration ARRIVES_WITHIN = Duration.ofSeconds(3);

    final Lab lab;
    final Carrier carrier;
    final Pod here;
    final Pod neighbour;
    final Pod there;
    final Pod third;

    /** What somebody tries, and the pod that would notice. */
    record Attack(Pod victim, Runnable send) {}

    /** What carries packets between nodes. */
    enum Carrier {
        VXLAN(8472) {
            @Override
            byte[] wrap(byte[] inner, String sourceMac, String destinationMac) {
                return Forgery.vxlan(1, destinationMac, sourceMac, inner);
            }
        },
        GENEVE(6081) {
            @Override
            byte[] wrap(byte[] inner, String sourceMac, String destinationMac) {
                return Forgery.geneve(1, destinationMac, sourceMac, inner);
            }
        },
        UDP(8285),
        /** IP protocol 4: nobody sends it without CAP_NET_RAW. */
        IPIP(0),
        /** Routes alone. */
        NONE(0);

        final int port;

        Carrier(int port) {
            this.port = port;
        }

        byte[] wrap(byte[] inner, String sourceMac, String destinationMac) {
            return inner;
        }
    }

    private AttackedCluster(Lab lab, Carrier carrier) {
        this.lab = lab;
        this.carrier = carrier;
        here = lab.node(1).addPod();
        neighbour = lab.node(1).addPod();
        there = lab.node(2).addPod();
        third = lab.node(3).addPod();
    }

    /**
     * Builds one.
     *
     * @param config of the network 10.5.0.0/16
     * @param start starts the daemons of all nodes, and waits until they know each other
     */
    static AttackedCluster open(Carrier carrier, String config, Consumer<Lab> start) {
        Lab lab = Lab.open(3, Lab.Underlay.WIRE).configure(config);
        try {
            start.accept(lab);
            return new AttackedCluster(lab, carrier);
        } catch (RuntimeException e) {
            lab.close();
            throw e;
        }
    }

    @Override
    public void close() {
        lab.close();
    }

    /** The attacks that need a tunnel, by what is tried. */
    Map<String, Attack> onTheTunnel() {
        Map<String, Attack> attacks = new LinkedHashMap<>();
        attacks.put("pod forges its neighbour, masqueraded", podForgesItsNeighbour());
        attacks.put("pod forges its node, masqueraded", podForgesItsNode());
        attacks.put("pod sends to its own node's tunnel", podSendsToItsOwnNodesTunnel());
        attacks.put("pod sends through the tunnel", podSendsThroughTheTunnel());
        attacks.put("pod writes another node's address, to its own", podForgesANodeTowardsItsOwn());
        attacks.put("pod writes another node's address, to its bridge's broadcast", podForgesANodeByBroadcast());
        attacks.put("pod writes another node's address", podForgesANode());
        attacks.put("stranger, own address", strangerSendsToTheTunnel());
        attacks.put("stranger writes a peer's address", strangerForgesANode());
        attacks.put("peer forges another node's pod", peerForgesAPod());
        if (carrier == Carrier.VXLAN || carrier == Carrier.GENEVE) {
            attacks.put("peer forges another node's pod and VTEP", peerForgesAPodAndItsVtep());
        }
        if (carrier != Carrier.IPIP) {
            attacks.put("pod sends to a service that leads to a tunnel", podSendsToAServiceThatLeadsToTheTunnel());
        }
        return attacks;
    }

    /** The attacks by plain packets. */
    Map<String, Attack> plain() {
        Map<String, Attack> attacks = new LinkedHashMap<>();
        attacks.put("pod writes another node's pod", podForgesAPod());
        attacks.put("stranger forges a pod of the victim's node", strangerForgesAPodOfTheVictimsNode());
        attacks.put("stranger forges a pod of nobody", strangerForgesAPodOfNobody());
        attacks.put("stranger forges a peer's pod", strangerForgesAPod());
        return attacks;
    }

    Attack podForgesItsNeighbour() {
        byte[] inner = Forgery.inner(neighbour.address(), there.address());
        return new Attack(there, () -> send(attacker(), remoteNode().address(), inner, attackersNode(), remoteNode()));
    }

    Attack podForgesItsNode() {
        byte[] inner = Forgery.inner(attackersNode().address(), there.address());
        return new Attack(there, () -> send(attacker(), remoteNode().address(), inner, attackersNode(), remoteNode()));
    }

    Attack podSendsToItsOwnNodesTunnel() {
        byte[] inner = Forgery.inner(there.address(), neighbour.address());
        return new Attack(neighbour, () -> {
            send(attacker(), attackersNode().address(), inner, remoteNode(), attackersNode());
            send(attacker(), gateway(attackersNode()), inner, remoteNode(), attackersNode());
        });
    }

    Attack podSendsThroughTheTunnel() {
        byte[] inner = Forgery.inner(third.address(), there.address());
        return new Attack(there, () -> send(attacker(), gateway(remoteNode()), inner, thirdNode(), remoteNode()));
    }

    Attack podForgesANodeTowardsItsOwn() {
        byte[] inner = Forgery.inner(there.address(), neighbour.address());
        return new Attack(neighbour, () -> sendAs(attacker(), inner, remoteNode(), attackersNode()));
    }

    /** Which is in the network, and yet no pod's. */
    Attack podForgesANodeByBroadcast() {
        byte[] inner = Forgery.inner(there.address(), neighbour.address());
        String broadcast = gateway(attackersNode()).replaceFirst("\\.1$", ".255");
        return new Attack(neighbour, () -> sendAs(attacker(), inner, remoteNode(), attackersNode(), broadcast));
    }

    /** Of the victim's node, by destination NAT as kube-proxy has it. */
    Attack podSendsToAServiceThatLeadsToTheTunnel() {
        byte[] inner = Forgery.inner(neighbour.address(), there.address());
        String address = remoteNode().address();
        byte[] packet = carrier.wrap(inner, vtepMac(attackersNode()), vtepMac(remoteNode()));
        return new Attack(there, () -> {
            remoteNode()
                    .run(("iptables -t nat -A PREROUTING -p udp --dport " + SERVICE_PORT + " -j DNAT --to " + address
                                    + ":" + carrier.port)
                            .split(" ", -1))
                    .orThrow();
            attacker().sendUdp(address, SERVICE_PORT, packet);
        });
    }

    /** By fragments of which none says both for which tunnel it is and what. */
    Attack strangerSendsFragments() {
        byte[] inner = Forgery.inner(third.address(), there.address());
        byte[] outer = Forgery.datagram(
                Lab.SWITCH_ADDRESS,
                remoteNode().address(),
                carrier.port,
                carrier.wrap(inner, vtepMac(thirdNode()), vtepMac(remoteNode())));
        return new Attack(
                there,
                () -> Forgery.fragments(outer, 8)
                        .forEach(fragment -> stranger().sendRaw(remoteNode().address(), fragment)));
    }

    /** A program of nobody's on a node. */
    Attack userOfANodeForgesAPod() {
        byte[] inner = Forgery.inner(here.address(), there.address());
        return new Attack(
                there,
                () -> send(
                        Attacker.userOf(attackersNode()),
                        remoteNode().address(),
                        inner,
                        attackersNode(),
                        remoteNode()));
    }

    /** Rules can read the first one alone. */
    Attack userOfANodeForgesBehindAnotherPacket() {
        byte[] forged = carrier.wrap(
                Forgery.inner(here.address(), there.address()), vtepMac(attackersNode()), vtepMac(remoteNode()));
        byte[] other = forged.clone();
        other[6] ^= 0x40; // the VNI's last byte where there is one
        return new Attack(
                there,
                () -> Attacker.userOf(attackersNode())
                        .sendUdpAtOnce(remoteNode().address(), carrier.port, other, forged));
    }

    Attack userOfANodeSendsToAServiceThatLeadsToATunnel() {
        byte[] forged = carrier.wrap(
                Forgery.inner(here.address(), there.address()), vtepMac(attackersNode()), vtepMac(remoteNode()));
        String tunnel = remoteNode().address() + ":" + carrier.port;
        return new Attack(there, () -> {
            for (String action : new String[] {"-A", "-D"}) {
                attackersNode()
                        .run(("iptables -t nat " + action + " OUTPUT -p udp --dport 30501 -j DNAT --to " + tunnel)
                                .split(" "))
                        .orThrow();
                if (action.equals("-A")) {
                    Attacker.userOf(attackersNode()).sendUdp(remoteNode().address(), 30501, forged);
                }
            }
        });
    }

    Attack podForgesANode() {
        byte[] inner = Forgery.inner(third.address(), there.address());
        return new Attack(there, () -> sendAs(attacker(), inner, thirdNode(), remoteNode()));
    }

    /** Who knows all that a peer knows: addresses, VNI, the VTEPs' MAC addresses. */
    Attack strangerSendsToTheTunnel() {
        byte[] inner = Forgery.inner(third.address(), there.address());
        return new Attack(there, () -> send(stranger(), remoteNode().address(), inner, thirdNode(), remoteNode()));
    }

    Attack strangerForgesANode() {
        byte[] inner = Forgery.inner(third.address(), there.address());
        return new Attack(there, () -> sendAs(stranger(), inner, thirdNode(), remoteNode()));
    }

    Attack peerForgesAPod() {
        byte[] inner = Forgery.inner(neighbour.address(), there.address());
        return new Attack(there, () -> {
            if (carrier == Carrier.NONE) {
                thirdNode()
                        .run(
                                "ip",
                                "route",
                                "replace",
                                subnet(remoteNode()),
                                "via",
                                remoteNode().address());
                Attacker.in(thirdNode()).sendRaw(there.address(), inner);
            } else {
                send(Attacker.in(thirdNode()), remoteNode().address(), inner, thirdNode(), remoteNode());
            }
        });
    }

    Attack peerForgesAPodAndItsVtep() {
        byte[] inner = Forgery.inner(neighbour.address(), there.address());
        return new Attack(
                there,
                () -> send(Attacker.in(thirdNode()), remoteNode().address(), inner, attackersNode(), remoteNode()));
    }

    Attack podForgesAPod() {
        byte[] packet = Forgery.inner(third.address(), there.address());
        return new Attack(there, () -> attacker().sendRaw(there.address(), packet));
    }

    Attack strangerForgesAPodOfTheVictimsNode() {
        return strangerSendsPlainly(gateway(remoteNode()).replaceFirst("\\.1$", ".77"));
    }

    Attack strangerForgesAPodOfNobody() {
        return strangerSendsPlainly("10.5.255.7");
    }

    Attack strangerForgesAPod() {
        return strangerSendsPlainly(third.address());
    }

    /** By another card than the uplink. */
    Attack strangerOnASecondCardForgesAPodOfTheVictimsNode() {
        byte[] packet = Forgery.inner(gateway(remoteNode()).replaceFirst("\\.1$", ".77"), there.address());
        lab.addSecondCard(remoteNode());
        return new Attack(
                there,
                () -> lab.whileReachedByTheSecondCard(
                        there.address(), () -> stranger().sendRaw(there.address(), packet)));
    }

    private Attack strangerSendsPlainly(String source) {
        byte[] packet = Forgery.inner(source, there.address());
        lab.routeFromSwitch(subnet(remoteNode()), remoteNode());
        return new Attack(there, () -> stranger().sendRaw(there.address(), packet));
    }

    /** Sends a tunnel packet from the sender's own address, without any privilege where the protocol needs none. */
    private void send(Attacker by, String destination, byte[] inner, Node from, Node to) {
        if (carrier == Carrier.IPIP) {
            by.sendRaw(destination, Forgery.ipip("0.0.0.0", destination, inner)); // the kernel fills in the source
        } else {
            by.sendUdp(destination, carrier.port, carrier.wrap(inner, vtepMac(from), vtepMac(to)));
        }
    }

    /** Sends a tunnel packet that bears another node's address. */
    private void sendAs(Attacker by, byte[] inner, Node from, Node to) {
        sendAs(by, inner, from, to, to.address());
    }

    private void sendAs(Attacker by, byte[] inner, Node from, Node to, String destination) {
        by.sendRaw(
                destination,
                carrier == Carrier.IPIP
                        ? Forgery.ipip(from.address(), destination, inner)
                        : Forgery.datagram(
                                from.address(),
                                destination,
                                carrier.port,
                                carrier.wrap(inner, vtepMac(from), vtepMac(to))));
    }

    /** Whether anything of an attack gets to its victim. */
    boolean reaches(Attack attack) {
        long before = refusedDatagrams(attack.victim());
        attack.send().run();
        long until = System.nanoTime() + ARRIVES_WITHIN.toNanos();
        while (System.nanoTime() < until) {
            if (refusedDatagrams(attack.victim()) > before) {
                return true;
            }
        }
        return false;
    }

    Attacker attacker() {
        return Attacker.in(here);
    }

    /** Somebody on the underlay who is no node. */
    Attacker stranger() {
        return Attacker.on(lab);
    }

    Node attackersNode() {
        return lab.node(1);
    }

    Node remoteNode() {
        return lab.node(2);
    }

    Node thirdNode() {
        return lab.node(3);
    }

    /** UDP datagrams to closed ports of a pod, of both families. */
    static long refusedDatagrams(Pod pod) {
        return refusedDatagrams(pod.run(COUNT));
    }

    /** The same of a node. */
    static long refusedDatagrams(Node node) {
        return refusedDatagrams(node.run(COUNT));
    }

    private static long refusedDatagrams(Commands.Result counted) {
        return counted.orThrow()
                .lines()
                .filter(line -> line.startsWith("Udp"))
                .mapToLong(line -> Long.parseLong(line.split("\\s+", -1)[1]))
                .sum();
    }

    private static String subnet(Node node) {
        return SubnetEnv.readIfUsable(node.subnetFile())
                .orElseThrow()
                .subnets()
                .require(IpFamily.IPV4)
                .toString();
    }

    /** The node's address towards its pods. */
    static String gateway(Node node) {
        return subnet(node).replaceFirst("\\.0/\\d+$", ".1");
    }

    String vtepMac(Node node) {
        return vtepMac(node, "BackendData");
    }

    String ipv6VtepMac(Node node) {
        return vtepMac(node, "BackendV6Data");
    }

    /** As its lease says; empty where leases have none. */
    private String vtepMac(Node node, String field) {
        try {
            for (var entry : lab.etcd().list(Lab.PREFIX + "/subnets/")) {
                JsonNode lease = new ObjectMapper().readTree(entry.value());
                if (lease.path("PublicIP").asText().equals(node.address())) {
                    JsonNode data = lease.path(field);
                    return data.path("VtepMAC").asText(data.path("MAC").asText());
                }
            }
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
        throw new IllegalStateException("no lease of " + node.name());
    }
}
