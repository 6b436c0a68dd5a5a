package io.flannelj.firewall;

import io.flannelj.config.Instance;
import io.flannelj.linux.Program;
import io.flannelj.net.Cidr;
import io.flannelj.net.PeerSource;
import io.flannelj.packetfilter.NftTable;
import java.io.IOException;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * The source check for what the kernel carries: a packet from a peer bears an address that the peer has leased, as the data
 * path in user space checks it. On a VXLAN device a peer is known by its VTEP's MAC address, elsewhere by any lease.
 *
 * <p>By nft alone, whichever program has the other rules: iptables has no sets.
 */
public final class PeerFilter {
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
     * @param networks the pod networks
     * @param uplink where only addresses of the pod networks are checked
     * @return whether anything had to be changed
     * @throws IOException with what nft said
     */
    public boolean apply(Collection<PeerSource> sources, List<Cidr> networks, String uplink) throws IOException {
        String body = text(sources, networks, uplink);
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

    private static String text(Collection<PeerSource> sources, List<Cidr> networks, String uplink) {
        StringBuilder sets = new StringBuilder("  comment \"source check for what the kernel carries\"\n");
        StringBuilder rules = new StringBuilder();
        for (Cidr network : networks) {
            String family = network.isIpv6() ? "ip6" : "ip";
            TreeMap<String, List<PeerSource>> byLink = sources.stream()
                    .filter(source -> source.addresses().isIpv6() == network.isIpv6())
                    .collect(Collectors.groupingBy(PeerSource::link, TreeMap::new, Collectors.toList()));
            for (Map.Entry<String, List<PeerSource>> link : byLink.entrySet()) {
                String set = "from" + byLink.headMap(link.getKey()).size() + "_" + family;
                boolean byMac = link.getValue().get(0).mac() != null;
                sets.append(set(set, byMac, network.isIpv6(), link.getValue()));
                rules.append("    iifname \"").append(link.getKey()).append("\" ");
                if (link.getKey().equals(uplink)) {
                    rules.append(family).append(" saddr ").append(network).append(' ');
                }
                rules.append(byMac ? "ether saddr . " : "")
                        .append(family)
                        .append(" saddr != @")
                        .append(set)
                        .append(" counter drop comment \"")
                        .append(GuardRules.SOURCE)
                        .append("\"\n");
            }
        }
        return sets + "  chain prerouting {\n    type filter hook prerouting priority raw; policy accept;\n" + rules
                + "  }\n";
    }

    private static String set(String name, boolean byMac, boolean ipv6, List<PeerSource> sources) {
        String elements = sources.stream()
                .map(source -> (byMac ? source.mac() + " . " : "") + source.addresses())
                .sorted()
                .distinct()
                .collect(Collectors.joining(", "));
        return "  set " + name + " {\n    type " + (byMac ? "ether_addr . " : "") + (ipv6 ? "ipv6_addr" : "ipv4_addr")
                + "; flags interval; elements = { " + elements + " }\n  }\n";
    }
}
