package io.flannelj.lab;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A cluster in network namespaces: a switch, nodes on it with the real daemon, pods wired by the real CNI plugin, and a
 * real etcd. Needs root. Closing takes everything away.
 *
 * <pre>
 *            switch namespace: bridge, etcd at 192.168.100.254
 *           /                  |                  \
 *   node n1 .1             node n2 .2          node n3 .3      namespaces with eth0 and flanneld-j; fd00:64::1, ::2, ::3
 *    |  docker0             |  docker0
 *   pod  pod               pod
 * </pre>
 */
public final class Lab implements AutoCloseable {
    public static final String PREFIX = "/coreos.com/network";

    /** Where etcd and the apiserver are, unless the laboratory is a mere pair. */
    public static final String SWITCH_ADDRESS = "192.168.100.254";

    public static final String SWITCH_IPV6_ADDRESS = "fd00:64::fe";

    private final Workspace workspace;
    private final String etcdNamespace;
    private final String etcdAddress;
    private final List<Node> nodes = new ArrayList<>();
    private final List<Relay> relays = new ArrayList<>();
    private final Underlay underlay;
    private @Nullable EtcdServer etcd;
    private String etcdUrls = "";

    /** How the underlay's interfaces treat packets. */
    public enum Underlay {
        /** As veth does by default: large packets pass whole. */
        ON,
        /** As a real wire: every packet is cut and checksummed before it leaves. */
        WIRE
    }

    private Lab(Workspace workspace, Underlay underlay, String etcdNamespace, String etcdAddress) {
        this.workspace = workspace;
        this.underlay = underlay;
        this.etcdNamespace = etcdNamespace;
        this.etcdAddress = etcdAddress;
    }

    /** Makes the switch, etcd, and so many nodes, whose daemons are not started yet. */
    public static Lab open(int nodes, Underlay underlay) {
        Workspace workspace = Workspace.open();
        try {
            String hub = workspace.addNamespace("sw");
            Commands.require("ip", "-n", hub, "link", "add", "br0", "type", "bridge");
            Commands.require("ip", "-n", hub, "addr", "add", SWITCH_ADDRESS + "/24", "dev", "br0");
            Commands.require("ip", "-n", hub, "addr", "add", SWITCH_IPV6_ADDRESS + "/64", "dev", "br0", "nodad");
            Commands.require("ip", "-n", hub, "link", "set", "br0", "up");
            Lab lab = new Lab(workspace, underlay, hub, SWITCH_ADDRESS);
            for (int i = 1; i <= nodes; i++) {
                lab.addNode();
            }
            return lab;
        } catch (RuntimeException e) {
            workspace.close();
            throw e;
        }
    }

    /** Makes two nodes with one cable between them and no switch, for measuring; etcd would run on the first. */
    public static Lab pair(Underlay underlay) {
        Workspace workspace = Workspace.open();
        try {
            String left = workspace.addNamespace("n1");
            String right = workspace.addNamespace("n2");
            Lab lab = new Lab(workspace, underlay, left, address(1));
            Commands.require(
                    "ip", "link", "add", "eth0", "netns", left, "type", "veth", "peer", "name", "eth0", "netns", right);
            lab.join(1, left, address(2));
            lab.join(2, right, address(1));
            return lab;
        } catch (RuntimeException e) {
            workspace.close();
            throw e;
        }
    }

    private static String address(int node) {
        return "192.168.100." + node;
    }

    /** One more node on the switch. */
    public Node addNode() {
        int number = nodes.size() + 1;
        String switchNamespace = etcdNamespace;
        String namespace = workspace.addNamespace("n" + number);
        String port = "port" + number;
        Commands.require(
                "ip",
                "link",
                "add",
                "eth0",
                "netns",
                namespace,
                "type",
                "veth",
                "peer",
                "name",
                port,
                "netns",
                switchNamespace);
        Commands.require("ip", "-n", switchNamespace, "link", "set", port, "master", "br0", "up");
        if (underlay == Underlay.WIRE) {
            // As a network card does, a veth joins what it receives (GRO) only if its other end does not segment.
            Commands.inNamespace(switchNamespace, "ethtool", "-K", port, "tso", "off")
                    .orThrow();
        }
        return join(number, namespace, SWITCH_ADDRESS);
    }

    private Node join(int number, String namespace, String gateway) {
        String name = "n" + number;
        String address = address(number);
        Commands.require("ip", "-n", namespace, "addr", "add", address + "/24", "dev", "eth0");
        String ipv6Address = "fd00:64::" + number;
        Commands.require("ip", "-n", namespace, "addr", "add", ipv6Address + "/64", "dev", "eth0", "nodad");
        Commands.require("ip", "-n", namespace, "link", "set", "eth0", "up");
        Commands.require("ip", "-n", namespace, "route", "add", "default", "via", gateway);
        if (underlay == Underlay.WIRE) {
            Commands.inNamespace(
                            namespace, "ethtool", "-K", "eth0", "tso", "off", "gso", "off", "tx", "off", "gro", "on")
                    .orThrow();
        }
        Node node = new Node(
                this,
                name,
                namespace,
                address,
                ipv6Address,
                workspace.directory().resolve(name),
                "docker0");
        nodes.add(node);
        return node;
    }

    /** Runs a program where the switch is: the nodes' default gateway. */
    public Commands.Result runOnSwitch(String... command) {
        return Commands.inNamespace(etcdNamespace, command);
    }

    /** Lets nodes reach a server of this process, which listens at 127.0.0.1, at the switch's address and the same port. */
    public Lab relay(int port) {
        relays.add(new Relay(etcdNamespace, SWITCH_ADDRESS, port));
        return this;
    }

    /** Leads the way between two nodes over a link that takes less than their uplinks. */
    public NarrowPath narrow(Node a, Node b, int mtuBytes) {
        return NarrowPath.between(workspace, etcdNamespace, a, b, mtuBytes);
    }

    /** Writes the network config. */
    public Lab configure(String networkConfig) {
        etcd().put(PREFIX + "/config", networkConfig);
        return this;
    }

    /** Starts every node's daemon and waits until each knows all the others. */
    public Lab start() {
        nodes.forEach(Node::startDaemon);
        nodes.forEach(Node::awaitReady);
        nodes.forEach(node -> node.awaitPeers(nodes.size() - 1));
        return this;
    }

    /** Keys of the leases in the store, without the path. */
    public List<String> leases() {
        String path = PREFIX + "/subnets/";
        return etcd().list(path).stream()
                .map(entry -> entry.key().substring(path.length()))
                .toList();
    }

    /** The store; started when it is first asked for. */
    public synchronized EtcdServer etcd() {
        EtcdServer running = etcd;
        if (running == null) {
            running = new EtcdServer(workspace, EtcdServer.Setup.single(etcdNamespace, etcdAddress)).awaitAnswer();
            etcd = running;
        }
        return running;
    }

    /** Starts a store that speaks TLS to daemons, and with {@code askForTheirs} wants their certificates too. */
    public synchronized EtcdServer startTlsEtcd(Authority authority, Authority.Pair server, boolean askForTheirs) {
        List<String> flags = new ArrayList<>(List.of(
                "--cert-file",
                server.certificate().toString(),
                "--key-file",
                server.key().toString()));
        if (askForTheirs) {
            flags.addAll(List.of(
                    "--client-cert-auth",
                    "--trusted-ca-file",
                    authority.certificate().toString()));
        }
        return startEtcd(true, flags);
    }

    /** Starts a store that is full when little is in it. */
    public synchronized EtcdServer startSmallEtcd() {
        return startEtcd(false, List.of("--quota-backend-bytes", "2000000"));
    }

    private EtcdServer startEtcd(boolean tls, List<String> flags) {
        EtcdServer.Setup setup = new EtcdServer.Setup(
                "etcd", etcdNamespace, etcdAddress, 2379, "etcd=http://127.0.0.1:2380", tls, flags);
        EtcdServer started = new EtcdServer(workspace, setup).awaitAnswer();
        etcd = started;
        return started;
    }

    /** Starts a store of three members; {@link #etcd} is the first of them. */
    public synchronized EtcdCluster startEtcdCluster() {
        EtcdCluster started = new EtcdCluster(workspace, etcdNamespace, etcdAddress);
        etcd = started.members().get(0);
        etcdUrls = started.urls();
        return started;
    }

    /** A certificate authority. */
    public Authority authority() {
        return new Authority(workspace.directory().resolve("certificates"));
    }

    /** From now on daemons are told these endpoints of the store, which is started if it was not. */
    public synchronized Lab reachEtcdBy(String urls) {
        etcd();
        etcdUrls = urls;
        return this;
    }

    /** What daemons are told of the store. */
    synchronized String etcdUrls() {
        return etcdUrls.isEmpty() ? etcd().url() : etcdUrls;
    }

    public Node node(int number) {
        return nodes.get(number - 1);
    }

    public List<Node> nodes() {
        return List.copyOf(nodes);
    }

    /** Lets the switch send to a node's pods as a router on the underlay would. */
    public void routeFromSwitch(String subnet, Node node) {
        Commands.require("ip", "-n", etcdNamespace, "route", "replace", subnet, "via", node.address());
    }

    /** Gives a node a second network card, on a wire with nobody but a stranger. */
    public void addSecondCard(Node node) {
        Commands.require(
                "ip",
                "link",
                "add",
                "eth1",
                "netns",
                node.namespace(),
                "type",
                "veth",
                "peer",
                "name",
                "card",
                "netns",
                etcdNamespace);
        Commands.require("ip", "-n", node.namespace(), "addr", "add", "172.30.0.2/24", "dev", "eth1");
        Commands.require("ip", "-n", node.namespace(), "link", "set", "eth1", "up");
        Commands.require("ip", "-n", etcdNamespace, "addr", "add", "172.30.0.9/24", "dev", "card");
        Commands.require("ip", "-n", etcdNamespace, "link", "set", "card", "up");
    }

    /** Lets a stranger send to an address by that card for a while. */
    public void whileReachedByTheSecondCard(String address, Runnable work) {
        Commands.require("ip", "-n", etcdNamespace, "route", "add", address + "/32", "via", "172.30.0.2");
        try {
            work.run();
        } finally {
            Commands.require("ip", "-n", etcdNamespace, "route", "delete", address + "/32");
        }
    }

    /** The namespace of the switch, which is no node. */
    String switchNamespace() {
        return etcdNamespace;
    }

    Workspace workspace() {
        return workspace;
    }

    @Override
    public void close() {
        relays.forEach(Relay::close);
        workspace.close();
    }
}
