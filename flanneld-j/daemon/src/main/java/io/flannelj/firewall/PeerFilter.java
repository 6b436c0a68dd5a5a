package io.flannelj.firewall;

import io.flannelj.config.Instance;
import io.flannelj.linux.Program;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpFamily;
import io.flannelj.net.PeerSource;
import io.flannelj.net.TunnelEndpoint;
import io.flannelj.net.TunnelSenders;
import io.flannelj.packetfilter.Change;
import io.flannelj.packetfilter.NftTable;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The source check for what the kernel carries, as the data path in user space has it: tunnel packets come from a peer's
 * underlay address, and what is inside bears an address that the peer has leased. The kernel does not say the outer address with
 * the inner packet. So in front of a VXLAN tunnel the outer address must go with the VTEP's MAC address inside, and behind it this
 * with the inner source; elsewhere any lease will do.
 *
 * <p>By nft alone, whichever program has the other rules: iptables has no sets.
 */
public final class PeerFilter {
    private static final String DROP = " counter drop comment \"" + GuardRules.SOURCE + "\"\n";

    /** As bits behind the outer IP header: of VXLAN, RFC 7348, and of the frame in it. */
    private static final String VNI = "@th,96,24 ";

    private static final String INNER_MAC = "@th,176,48";

    /** A bit of packets' marks that Kubernetes (0xc000), CNI's port mapping (0x2000), usual networks and VPNs leave alone. */
    private static final String FROM_A_DEVICE = "0x00001000";

    private static final String NOT_FROM_A_DEVICE = "0xffffefff";

    private static final String INTO_A_DEVICE = "meta oifkind \"vxlan\"";

    private final NftTable table;
    private boolean looksInside = true;

    public PeerFilter(Instance instance) {
        this.table = new NftTable("inet", "flannel-peers" + instance.suffix());
    }

    /** Whether this host has what it takes. */
    public static boolean isAvailable() {
        return Program.exists("nft");
    }

    /**
     * Makes the check what it shall be; the same call repairs.
     *
     * @param sources of all peers
     * @param tunnels that the kernel unwraps
     * @param networks the pod networks
     * @param uplink where only addresses of the pod networks are checked
     * @return whether anything had to be changed
     * @throws IOException with what nft said
     */
    public Change apply(
            Collection<PeerSource> sources, Collection<TunnelSenders> tunnels, List<Cidr> networks, String uplink)
            throws IOException {
        Change change = table.compare(text(sources, tunnels, networks, uplink, looksInside));
        if (change == Change.NONE) {
            return change;
        }
        String whole = text(sources, tunnels, networks, uplink, true);
        looksInside = table.accepts(whole);
        table.replace(looksInside ? whole : text(sources, tunnels, networks, uplink, false));
        return change;
    }

    /** What of it this nft cannot do, human-readable; empty when it can do all. Known after {@link #apply}. */
    public String shortcoming() {
        return looksInside
                ? ""
                : "this nft does not compare what is inside of a tunnel packet with its sender, so a peer can write"
                        + " another peer's VTEP MAC address; nft 1.0.3 or newer does";
    }

    /** Packets dropped, as the last {@link #apply} found it. */
    public GuardDrops drops() {
        return new GuardDrops(0, table.packets(GuardRules.SOURCE));
    }

    /** What is there, human-readable; empty when nothing is. */
    public List<String> present() throws IOException {
        return table.list().isEmpty() ? List.of() : List.of("nftables table " + table);
    }

    /** Takes it away. Harmless when it is not there. */
    public void remove() throws IOException {
        table.remove();
    }

    private static String text(
            Collection<PeerSource> sources,
            Collection<TunnelSenders> tunnels,
            List<Cidr> networks,
            String uplink,
            boolean insideToo) {
        StringBuilder chains = new StringBuilder();
        StringBuilder rules = new StringBuilder();
        tunnels(chains, rules, tunnels, networks, insideToo);
        devices(chains, rules, sources, networks, uplink);
        // Behind the rules for pods, which count what pods send by themselves.
        return "  comment \"source check for what the kernel carries\"\n" + chains
                + "  chain prerouting {\n    type filter hook prerouting priority raw + 1; policy accept;\n" + rules
                + "  }\n" + users(tunnels, networks);
    }

    /**
     * On the way out: the kernel's tunnel packets count as the user's whose packet is inside, so those are marked before they enter a
     * VXLAN device, and what a user without root sends to the port without that mark is forged. Looked at behind every translation, and
     * whatever the VNI: of a super-packet only the first one could be read. Only CAP_NET_ADMIN and CAP_NET_RAW can mark a socket. The mark
     * is gone before the packet leaves.
     */
    private static String users(Collection<TunnelSenders> tunnels, List<Cidr> networks) {
        List<String> ports = tunnels.stream()
                .filter(tunnel -> tunnel.endpoint().isUdp())
                .map(tunnel -> "    udp dport " + tunnel.endpoint().port() + " ")
                .distinct()
                .sorted()
                .toList();
        StringBuilder rules =
                new StringBuilder("  chain output {\n    type filter hook output priority raw + 1; policy accept;\n");
        if (!ports.isEmpty()) {
            rules.append("    " + INTO_A_DEVICE + " meta mark set meta mark | " + FROM_A_DEVICE + "\n");
        }
        rules.append("  }\n  chain postrouting {\n    type filter hook postrouting priority mangle; policy accept;\n");
        if (!ports.isEmpty()) {
            rules.append("    " + INTO_A_DEVICE + " return\n");
        }
        ports.forEach(packets -> {
            rules.append(packets + "meta mark & " + FROM_A_DEVICE + " == " + FROM_A_DEVICE
                    + " meta mark set meta mark & " + NOT_FROM_A_DEVICE + " return\n");
            networks.forEach(
                    network -> rules.append(packets + nftName(network.family()) + " daddr " + network + " return\n"));
            rules.append(packets + "meta skuid " + GuardRules.UNPRIVILEGED + DROP);
        });
        return rules + "  }\n";
    }

    /** One sort of tunnel packets. */
    private record Arrival(TunnelEndpoint endpoint, IpFamily family) {
        String packets() {
            return "meta nfproto " + (family == IpFamily.IPV6 ? "ipv6" : "ipv4") + " "
                    + (endpoint.isUdp() ? "udp dport " + endpoint.port() : "meta l4proto " + endpoint.protocol());
        }

        String header() {
            return nftName(family);
        }

        private static final Comparator<Arrival> ORDER = Comparator.comparing(Arrival::packets);
    }

    /**
     * In front of the tunnels. The port is not all of a VXLAN tunnel, for several networks may share it; what is for another tunnel
     * of IP in IP is told by the inner destination. Pods may use both among themselves. What ends before that can be read, the first of fragments for example, is
     * dropped: rules that read too far do not match.
     */
    private static void tunnels(
            StringBuilder chains,
            StringBuilder rules,
            Collection<TunnelSenders> tunnels,
            List<Cidr> networks,
            boolean insideToo) {
        SortedMap<Arrival, List<TunnelSenders>> arrivals = new TreeMap<>(Arrival.ORDER);
        for (TunnelSenders tunnel : tunnels) {
            for (IpFamily family : tunnel.endpoint().isUdp() ? IpFamily.values() : new IpFamily[] {IpFamily.IPV4}) {
                arrivals.computeIfAbsent(new Arrival(tunnel.endpoint(), family), unused -> new ArrayList<>())
                        .add(tunnel);
            }
        }
        int number = 0;
        for (Map.Entry<Arrival, List<TunnelSenders>> entry : arrivals.entrySet()) {
            Arrival arrival = entry.getKey();
            String name = "tunnel" + number++;
            StringBuilder chain = new StringBuilder("  chain " + name + " {\n");
            networks.stream()
                    .filter(network -> network.family() == arrival.family())
                    .forEach(network -> chain.append("    " + arrival.header() + " daddr " + network)
                            .append(" fib daddr type unicast return\n"));
            SortedMap<Integer, Set<TunnelSenders.Sender>> byVni = new TreeMap<>();
            entry.getValue()
                    .forEach(tunnel -> tunnel.senders().stream()
                            .filter(sender -> sender.node().family() == arrival.family())
                            .forEach(byVni.computeIfAbsent(tunnel.vni(), unused -> new HashSet<>())::add));
            for (Map.Entry<Integer, Set<TunnelSenders.Sender>> one : byVni.entrySet()) {
                if (!one.getValue().isEmpty()) {
                    String set = name + "_" + one.getKey();
                    boolean pairs = insideToo && arrival.endpoint().isUdp();
                    chains.append(senders(set, arrival, one.getValue(), pairs));
                    chain.append("    ")
                            .append(arrival.endpoint().isUdp() ? VNI + one.getKey() + " " : "")
                            .append(arrival.header())
                            .append(pairs ? " saddr . " + INNER_MAC : " saddr")
                            .append(" @" + set + " return\n");
                }
            }
            elsewhere(arrival, byVni.keySet(), networks)
                    .forEach(other -> chain.append("    ").append(other).append(" return\n"));
            chains.append(chain).append("   ").append(DROP).append("  }\n");
            rules.append("    ")
                    .append(arrival.packets())
                    .append(" jump ")
                    .append(name)
                    .append('\n');
        }
    }

    private static String senders(
            String name, Arrival arrival, Collection<TunnelSenders.Sender> senders, boolean pairs) {
        String elements = senders.stream()
                .map(sender -> sender.node()
                        + (pairs
                                ? " . 0x"
                                        + Objects.requireNonNull(sender.mac())
                                                .toString()
                                                .replace(":", "")
                                : ""))
                .sorted()
                .distinct()
                .collect(Collectors.joining(", "));
        return "  set " + name + " {\n    typeof " + arrival.header() + " saddr" + (pairs ? " . " + INNER_MAC : "")
                + "\n    elements = { " + elements + " }\n  }\n";
    }

    /** What is readable, and for a tunnel of another program. */
    private static Stream<String> elsewhere(Arrival arrival, Set<Integer> vnis, List<Cidr> networks) {
        if (arrival.endpoint().isUdp()) {
            return Stream.of(
                    VNI + "!= { " + vnis.stream().map(String::valueOf).collect(Collectors.joining(", ")) + " }");
        }
        return networks.stream()
                .filter(Cidr::isIpv4)
                .map(network -> "@th,128," + network.length() + " != "
                        + (network.address().ipv4Bits() >>> 32 - network.length()));
    }

    /** Behind the tunnels, and where packets come in without one. */
    private static void devices(
            StringBuilder sets,
            StringBuilder rules,
            Collection<PeerSource> sources,
            List<Cidr> networks,
            String uplink) {
        for (Cidr network : networks) {
            String family = nftName(network.family());
            TreeMap<String, List<PeerSource>> byLink = sources.stream()
                    .filter(source -> source.addresses().family() == network.family())
                    .collect(Collectors.groupingBy(PeerSource::link, TreeMap::new, Collectors.toList()));
            for (Map.Entry<String, List<PeerSource>> link : byLink.entrySet()) {
                String set = "from" + byLink.headMap(link.getKey()).size() + "_" + family;
                boolean byMac = link.getValue().get(0).mac() != null;
                String from = "    iifname \"" + link.getKey() + "\" ";
                sets.append(set(
                        set,
                        byMac,
                        network.family(),
                        link.getValue().stream()
                                .map(source -> (byMac ? source.mac() + " . " : "") + source.addresses())));
                rules.append(from);
                if (link.getKey().equals(uplink)) {
                    rules.append(family).append(" saddr ").append(network).append(' ');
                }
                rules.append(byMac ? "ether saddr . " : "")
                        .append(family)
                        .append(" saddr != @")
                        .append(set)
                        .append(DROP);
                if (isOfOneFamily(link.getKey(), sources) && !link.getKey().equals(uplink)) {
                    rules.append(from)
                            .append("meta nfproto != ipv")
                            .append(network.isIpv6() ? 6 : 4)
                            .append(DROP);
                }
            }
        }
    }

    private static String nftName(IpFamily family) {
        return family == IpFamily.IPV6 ? "ip6" : "ip";
    }

    private static boolean isOfOneFamily(String link, Collection<PeerSource> sources) {
        return sources.stream()
                        .filter(source -> source.link().equals(link))
                        .map(source -> source.addresses().family())
                        .distinct()
                        .count()
                == 1;
    }

    private static String set(String name, boolean byMac, IpFamily family, Stream<String> elements) {
        return "  set " + name + " {\n    type " + (byMac ? "ether_addr . " : "")
                + (family == IpFamily.IPV6 ? "ipv6_addr" : "ipv4_addr")
                + "; flags interval; elements = { "
                + elements.sorted().distinct().collect(Collectors.joining(", ")) + " }\n  }\n";
    }
}
