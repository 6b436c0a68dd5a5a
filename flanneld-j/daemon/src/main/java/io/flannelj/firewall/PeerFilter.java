package io.flannelj.firewall;

import io.flannelj.config.Instance;
import io.flannelj.linux.Program;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.PeerSource;
import io.flannelj.net.TunnelSenders;
import io.flannelj.packetfilter.NftTable;
import java.io.IOException;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The source check for what the kernel carries, as the data path in user space has it: tunnel packets come from a peer's
 * underlay address, and what is inside bears an address that the peer has leased. The kernel does not say the outer address with
 * the inner packet; on a VXLAN device a peer is known by its VTEP's MAC address there, elsewhere by any lease.
 *
 * <p>By nft alone, whichever program has the other rules: iptables has no sets.
 */
public final class PeerFilter {
    private static final String DROP = " counter drop comment \"" + GuardRules.SOURCE + "\"\n";

    private final NftTable table;

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
    public boolean apply(
            Collection<PeerSource> sources, Collection<TunnelSenders> tunnels, List<Cidr> networks, String uplink)
            throws IOException {
        String body = text(sources, tunnels, networks, uplink);
        if (table.isAsWritten(body)) {
            return false;
        }
        table.replace(body);
        return true;
    }

    /** Packets dropped, as the last {@link #apply} found it. */
    public GuardDrops drops() {
        return new GuardDrops(0, table.packets(GuardRules.SOURCE));
    }

    /** What is there, for people; empty when nothing is. */
    public List<String> present() throws IOException {
        return table.list().isEmpty() ? List.of() : List.of("nftables table " + table);
    }

    /** Takes it away. Harmless when it is not there. */
    public void remove() throws IOException {
        table.remove();
    }

    private static String text(
            Collection<PeerSource> sources, Collection<TunnelSenders> tunnels, List<Cidr> networks, String uplink) {
        StringBuilder sets = new StringBuilder("  comment \"source check for what the kernel carries\"\n");
        StringBuilder rules = new StringBuilder();
        SortedMap<Match, Set<IpAddress>> senders = senders(tunnels, networks);
        senders.forEach((match, nodes) -> {
            String family = match.isIpv6() ? "ip6" : "ip";
            String set = "nodes" + senders.headMap(match).size() + "_" + family;
            rules.append("    ").append(match.text());
            if (!nodes.isEmpty()) {
                sets.append(set(set, false, match.isIpv6(), nodes.stream().map(IpAddress::toString)));
                rules.append(' ').append(family).append(" saddr != @").append(set);
            }
            rules.append(DROP);
        });
        for (Cidr network : networks) {
            String family = network.isIpv6() ? "ip6" : "ip";
            TreeMap<String, List<PeerSource>> byLink = sources.stream()
                    .filter(source -> source.addresses().isIpv6() == network.isIpv6())
                    .collect(Collectors.groupingBy(PeerSource::link, TreeMap::new, Collectors.toList()));
            for (Map.Entry<String, List<PeerSource>> link : byLink.entrySet()) {
                String set = "from" + byLink.headMap(link.getKey()).size() + "_" + family;
                boolean byMac = link.getValue().get(0).mac() != null;
                sets.append(set(
                        set,
                        byMac,
                        network.isIpv6(),
                        link.getValue().stream()
                                .map(source -> (byMac ? source.mac() + " . " : "") + source.addresses())));
                rules.append("    iifname \"").append(link.getKey()).append("\" ");
                if (link.getKey().equals(uplink)) {
                    rules.append(family).append(" saddr ").append(network).append(' ');
                }
                rules.append(byMac ? "ether saddr . " : "")
                        .append(family)
                        .append(" saddr != @")
                        .append(set)
                        .append(DROP);
            }
        }
        // Behind the rules for pods, which count what pods send by themselves.
        return sets + "  chain prerouting {\n    type filter hook prerouting priority raw + 1; policy accept;\n" + rules
                + "  }\n";
    }

    /** Which tunnel packets of one family. */
    private record Match(boolean isIpv6, String text) implements Comparable<Match> {
        @Override
        public int compareTo(Match other) {
            return text.compareTo(other.text);
        }
    }

    /**
     * Who may send to what. The port is not all of a VXLAN tunnel, for several networks may share it; what is for another tunnel of IP
     * in IP is told by the inner destination.
     */
    private static SortedMap<Match, Set<IpAddress>> senders(Collection<TunnelSenders> tunnels, List<Cidr> networks) {
        SortedMap<Match, Set<IpAddress>> senders = new TreeMap<>();
        for (TunnelSenders tunnel : tunnels) {
            List<String> packets = tunnel.endpoint().isUdp()
                    ? List.of("udp dport " + tunnel.endpoint().port() + " @th,96,24 " + tunnel.vni())
                    : networks.stream()
                            .filter(Cidr::isIpv4)
                            .map(network -> "meta l4proto " + tunnel.endpoint().protocol() + " @th,128,"
                                    + network.length() + " "
                                    + (network.address().ipv4Bits() >>> 32 - network.length()))
                            .toList();
            for (String packet : packets) {
                for (boolean ipv6 : tunnel.endpoint().isUdp() ? new boolean[] {false, true} : new boolean[] {false}) {
                    Match match = new Match(ipv6, "meta nfproto ipv" + (ipv6 ? 6 : 4) + " " + packet);
                    Set<IpAddress> nodes = senders.computeIfAbsent(match, unused -> new TreeSet<>());
                    tunnel.nodes().stream()
                            .filter(node -> node.isIpv6() == ipv6)
                            .forEach(nodes::add);
                }
            }
        }
        return senders;
    }

    private static String set(String name, boolean byMac, boolean ipv6, Stream<String> elements) {
        return "  set " + name + " {\n    type " + (byMac ? "ether_addr . " : "") + (ipv6 ? "ipv6_addr" : "ipv4_addr")
                + "; flags interval; elements = { "
                + elements.sorted().distinct().collect(Collectors.joining(", ")) + " }\n  }\n";
    }
}
