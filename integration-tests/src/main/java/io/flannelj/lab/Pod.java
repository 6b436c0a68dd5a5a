package io.flannelj.lab;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpFamily;
import io.flannelj.net.SubnetEnv;

/** A pod: a namespace that the CNI plugin has wired into its node. */
public final class Pod {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Node node;
    private final String namespace;
    private final String containerId;
    private final CniCall cni;
    private String address = "";
    private String ipv6Address = "";

    Pod(Node node, String namespace, String containerId, CniCall cni) {
        this.node = node;
        this.namespace = namespace;
        this.containerId = containerId;
        this.cni = cni;
    }

    void add() {
        String answer = cni.call("ADD", containerId, netns(), cni.configuration("1.0.0"))
                .orThrow();
        try {
            for (JsonNode ip : JSON.readTree(answer).path("ips")) {
                String text = ip.path("address").asText();
                String given = text.substring(0, text.indexOf('/'));
                if (given.contains(":")) {
                    ipv6Address = given;
                } else {
                    address = given;
                }
            }
        } catch (JsonProcessingException e) {
            throw new LabException("ADD answered " + answer, e);
        }
    }

    /**
     * Wires it into the node's docker0 without any plugin, for networks that bring none.
     *
     * @param subnet the first three numbers of the node's /24, e.g. {@code 10.5.1}
     */
    public Pod wireByHand(String subnet, int mtuBytes) {
        String bridge = "docker0";
        if (!node.run("ip", "link", "show", bridge).succeeded()) {
            node.run("ip", "link", "add", bridge, "type", "bridge").orThrow();
            node.run("ip", "addr", "add", subnet + ".1/24", "dev", bridge).orThrow();
            node.run("ip", "link", "set", bridge, "up").orThrow();
            node.run("sysctl", "-qw", "net.ipv4.ip_forward=1").orThrow();
        }
        String mtu = String.valueOf(mtuBytes);
        Commands.require(
                "ip",
                "link",
                "add",
                "veth-hand",
                "netns",
                node.namespace(),
                "mtu",
                mtu,
                "type",
                "veth",
                "peer",
                "name",
                "eth0",
                "netns",
                namespace,
                "mtu",
                mtu);
        node.run("ip", "link", "set", "veth-hand", "master", bridge, "up").orThrow();
        address = subnet + ".2";
        run("ip", "addr", "add", address + "/24", "dev", "eth0").orThrow();
        run("ip", "link", "set", "eth0", "up").orThrow();
        run("ip", "route", "add", "default", "via", subnet + ".1").orThrow();
        return this;
    }

    /** Gives a pod that no plugin gave one an address of its node's IPv6 lease, and the node's bridge the gateway's. */
    public Pod addIpv6ByHand(String bridge) {
        if (!ipv6Address.isEmpty()) {
            return this;
        }
        Cidr subnet = SubnetEnv.readIfUsable(node.subnetFile())
                .flatMap(env -> env.subnets().get(IpFamily.IPV6))
                .orElseThrow(() -> new LabException(node.name() + " has no IPv6 lease in its subnet.env"));
        ipv6Address = subnet.address().plus(0x100 + node.pods().size()).toString();
        node.run("sysctl", "-qw", "net.ipv6.conf.all.forwarding=1").orThrow();
        node.run("ip", "addr", "replace", subnet.gateway().toString(), "dev", bridge, "nodad")
                .orThrow();
        run("ip", "addr", "add", ipv6Address + "/" + subnet.length(), "dev", "eth0", "nodad")
                .orThrow();
        run(
                        "ip",
                        "-6",
                        "route",
                        "add",
                        "default",
                        "via",
                        subnet.gateway().address().toString())
                .orThrow();
        return this;
    }

    /** The address of the other family; empty when it has none. */
    public String ipv6Address() {
        return ipv6Address;
    }

    /** Takes the wiring away by DEL, and the namespace with it. */
    public void remove() {
        cni.call("DEL", containerId, netns(), cni.configuration("1.0.0")).orThrow();
        node.forget(this);
    }

    public String containerId() {
        return containerId;
    }

    public String namespace() {
        return namespace;
    }

    /** Path of the namespace, as a runtime would hand it over. */
    public String netns() {
        return "/run/netns/" + namespace;
    }

    /** The address that ADD gave. */
    public String address() {
        return address;
    }

    public Node node() {
        return node;
    }

    /** Runs a program in the pod. */
    public Commands.Result run(String... command) {
        return Commands.inNamespace(namespace, command);
    }

    /** Pings three times; true when all answers come. */
    public boolean canPing(String target, String... options) {
        return Ping.isAnswered(node.name() + ", pod " + address, run(Ping.command(target, options)));
    }

    public boolean canPing(Pod other, String... options) {
        return canPing(other.address(), options);
    }
}
