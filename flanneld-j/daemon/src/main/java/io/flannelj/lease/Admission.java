package io.flannelj.lease;

import com.fasterxml.jackson.databind.JsonNode;
import io.flannelj.config.BackendConfig;
import io.flannelj.config.NetworkConfig;
import io.flannelj.config.SubnetPool;
import io.flannelj.lease.Refusal.Reason;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import io.flannelj.net.MacAddress;
import io.flannelj.net.PerFamily;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Which leases of other nodes are obeyed. Whoever may write the store could otherwise send any traffic of this node
 * anywhere: a lease is a route.
 *
 * <p>Pure: the same leases and rules give the same verdict, in whatever order the leases came. Of two that overlap the
 * older one stays; when it ends, the next verdict admits the other. Costs O(n log n).
 */
public final class Admission {
    private static final int VNI_BITS = 24;
    private static final IpAddress BROADCAST = IpAddress.ofIpv4(-1);

    private Admission() {}

    /**
     * What leases are judged by.
     *
     * @param config of the network
     * @param anyLength whether subnets may have any length within the network, as in Kubernetes, which cuts them
     * @param own this node's subnets; null for somebody who looks on
     * @param host this node's addresses, each with the prefix of its network; a public address that it is known by from
     *     outside as a network of its own
     * @param containers networks of this host's bridges that have containers behind them and no other node
     */
    public record Rules(
            NetworkConfig config,
            boolean anyLength,
            @Nullable PodSubnets own,
            List<Cidr> host,
            List<Cidr> containers) {
        public Rules {
            host = List.copyOf(host);
            containers = List.copyOf(containers);
        }

        /** Where no containers are, or none are known. */
        public Rules(NetworkConfig config, boolean anyLength, @Nullable PodSubnets own, List<Cidr> host) {
            this(config, anyLength, own, host, List.of());
        }
    }

    /**
     * The answer.
     *
     * @param admitted the oldest first
     * @param refused the oldest first
     */
    public record Verdict(List<Lease> admitted, List<Refusal> refused) {
        public Verdict {
            admitted = List.copyOf(admitted);
            refused = List.copyOf(refused);
        }
    }

    /** Judges the leases of other nodes. */
    public static Verdict judge(Collection<Lease> leases, Rules rules) {
        List<Lease> admitted = new ArrayList<>();
        List<Refusal> refused = new ArrayList<>();
        NavigableMap<IpAddress, Lease> bySubnet = new TreeMap<>();
        List<Lease> oldestFirst = leases.stream()
                .sorted(Comparator.comparing(Lease::origin)) // stable: what nobody knows the age of stays in order
                .toList();
        for (Lease lease : oldestFirst) {
            Optional<Refusal> refusal = objection(lease, rules)
                    .or(() -> first(lease.subnets().byFamily(), subnet -> conflict(lease, subnet, bySubnet)));
            if (refusal.isPresent()) {
                refused.add(refusal.get());
            } else {
                lease.subnets().all().forEach(subnet -> bySubnet.put(subnet.address(), lease));
                admitted.add(lease);
            }
        }
        return new Verdict(admitted, refused);
    }

    /**
     * Whether a node could hold these subnets in such a network, whatever its SubnetLen is or was: what others never will
     * obey does not keep a node from its subnet.
     */
    public static boolean isPossible(NetworkConfig config, PodSubnets subnets) {
        return subnets.all().stream()
                .anyMatch(subnet -> config.pools()
                        .get(subnet.family())
                        .map(SubnetPool::network)
                        .filter(network -> network.contains(subnet)
                                && subnet.length() >= network.length() + SubnetPool.FEWEST_SUBNET_BITS)
                        .isPresent());
    }

    private static Optional<Refusal> first(PerFamily<Cidr> subnets, Function<Cidr, Optional<Refusal>> check) {
        return subnets.values().stream()
                .flatMap(subnet -> check.apply(subnet).stream())
                .findFirst();
    }

    /** What is admitted does not overlap, so of all that begin before our end only the last can reach into us. */
    private static Optional<Refusal> conflict(Lease lease, Cidr subnet, NavigableMap<IpAddress, Lease> admitted) {
        Map.Entry<IpAddress, Lease> last = admitted.floorEntry(subnet.lastAddress());
        if (last == null || !last.getValue().subnets().overlaps(lease.subnets())) {
            return Optional.empty();
        }
        Lease older = last.getValue();
        String name = older.origin().key().isEmpty()
                ? older.subnets().toString()
                : older.origin().key();
        return Optional.of(Refusal.of(
                lease,
                Reason.OVERLAPS_OLDER,
                "its subnet " + subnet + " overlaps the older lease " + name + " of "
                        + older.attributes().publicAddress() + "; delete the one that is wrong"));
    }

    /** What is wrong with a lease by itself, whatever other leases there are. */
    private static Optional<Refusal> objection(Lease lease, Rules rules) {
        // A family that the network does not have is not looked at, nor used: it may be on its way in or out.
        PerFamily<Cidr> subnets = lease.subnets().byFamily().only(rules.config().families());
        if (subnets.isEmpty()) {
            return refuse(
                    lease,
                    Reason.OUTSIDE_NETWORK,
                    "its subnet " + lease.subnets() + " is of no family of the network; delete it");
        }
        return first(subnets, subnet -> subnet(lease, subnet, rules))
                .or(() -> first(subnets, subnet -> publicAddress(lease, subnet.family(), rules)))
                .or(() -> first(
                        subnets,
                        subnet -> data(lease, subnet.family(), rules.config().backend())));
    }

    private static Optional<Refusal> refuse(Lease lease, Reason reason, String problem) {
        return Optional.of(Refusal.of(lease, reason, problem));
    }

    private static Optional<Refusal> subnet(Lease lease, Cidr subnet, Rules rules) {
        SubnetPool pool = rules.config().pools().require(subnet.family());
        Cidr own = Optional.ofNullable(rules.own())
                .flatMap(subnets -> subnets.get(subnet.family()))
                .orElse(null);
        if (!pool.network().containsPart(subnet)) {
            return refuse(
                    lease,
                    Reason.OUTSIDE_NETWORK,
                    "its subnet " + subnet + " is not inside the network " + pool.network() + "; delete it");
        }
        boolean knownLength =
                subnet.length() == pool.subnetLength() || (own != null && subnet.length() == own.length());
        if (!rules.anyLength() && !knownLength) {
            return refuse(
                    lease,
                    Reason.SUBNET_LENGTH,
                    "its subnet " + subnet + " is no /" + pool.subnetLength() + ", which "
                            + SubnetPool.lengthKey(subnet.family())
                            + " asks for; restart the daemon of that node, or delete it");
        }
        if (own != null && own.overlaps(subnet)) {
            return refuse(
                    lease,
                    Reason.OVERLAPS_OWN,
                    "its subnet " + subnet + " overlaps this node's own " + own + "; delete the one that is wrong");
        }
        for (Cidr network : rules.host()) {
            if (takesFromHost(subnet, network, pool.network()) && !isPodAddress(network, own)) {
                return refuse(
                        lease,
                        Reason.OVERLAPS_HOST,
                        "its subnet " + subnet + " overlaps " + network.network()
                                + ", which this node itself is on; delete it"
                                + (rules.anyLength()
                                        ? ""
                                        : ", and keep such networks out of " + SubnetPool.boundKeys(subnet.family())));
            }
        }
        return Optional.empty();
    }

    /** A network of the host that is larger than the whole pod network loses single addresses only, as it always did. */
    private static boolean takesFromHost(Cidr subnet, Cidr host, Cidr pods) {
        return subnet.contains(host.address()) || (pods.contains(host) && host.contains(subnet));
    }

    /** Whether an address of this node is one of its own pod subnet, as the bridge's. */
    private static boolean isPodAddress(Cidr address, @Nullable Cidr own) {
        return own != null && own.contains(address.address());
    }

    private static Optional<Refusal> publicAddress(Lease lease, IpFamily family, Rules rules) {
        String field = LeaseJson.publicIp(family);
        IpAddress address = lease.attributes().publicIps().get(family).orElse(null);
        if (address == null) {
            return refuse(lease, Reason.PUBLIC_ADDRESS, "it has no " + field + "; give it one, or delete it");
        }
        String what = notUnicast(address, rules);
        return what.isEmpty()
                ? Optional.empty()
                : refuse(
                        lease,
                        Reason.PUBLIC_ADDRESS,
                        "its " + field + " " + address + " is " + what
                                + "; give it the address of the node that it is for, or delete it");
    }

    /** Why no other node can be reached by it; empty when one can. */
    private static String notUnicast(IpAddress address, Rules rules) {
        boolean ipv4 = address.isIpv4();
        if (address.isUnspecified() || (ipv4 && address.ipv4Bits() >>> 24 == 0)) {
            return "no node's address";
        }
        if (address.isLoopback()) {
            return "a loopback address";
        }
        if (address.isMulticast()) {
            return "a multicast address";
        }
        if (address.equals(BROADCAST) || isBroadcastOf(address, rules.host())) {
            return "a broadcast address";
        }
        if (!ipv4 && address.highBits() == 0 && address.lowBits() >>> 32 == 0xffff) {
            return "an IPv4-mapped address";
        }
        if (rules.host().stream().anyMatch(own -> own.address().equals(address))) {
            return "this node's own";
        }
        if (address.isLinkLocal() && (!ipv4 || rules.host().stream().noneMatch(Admission::isIpv4LinkLocal))) {
            return "a link-local address, which means something else on each link";
        }
        Optional<Cidr> ofContainers = rules.containers().stream()
                .filter(network -> network.contains(address))
                .findFirst();
        if (ofContainers.isPresent()) {
            return "in " + ofContainers.get().network()
                    + ", a network of containers of this host, and so no other node's";
        }
        return rules.config()
                .networks()
                .get(address.family())
                .filter(network -> network.contains(address))
                .map(network -> "inside the pod network " + network)
                .orElse("");
    }

    private static boolean isIpv4LinkLocal(Cidr own) {
        return own.isIpv4() && own.address().isLinkLocal();
    }

    /** Point-to-point networks (RFC 3021) and single addresses have none. */
    private static boolean isBroadcastOf(IpAddress address, List<Cidr> networks) {
        return address.isIpv4()
                && networks.stream()
                        .anyMatch(network -> network.length() <= 30
                                && network.contains(address)
                                && network.lastAddress().equals(address));
    }

    private static Optional<Refusal> data(Lease lease, IpFamily family, BackendConfig backend) {
        JsonNode data = lease.attributes().backendData().get(family).orElse(null);
        if (data == null) {
            return Optional.empty();
        }
        String field = LeaseJson.backendData(family);
        String type = lease.attributes().backendType();
        Optional<Refusal> refusal = tunnelEnd(lease, type, data, field, backend);
        for (Map.Entry<String, JsonNode> other : data.path("Decodes").properties()) {
            refusal = refusal.or(() ->
                    tunnelEnd(lease, other.getKey(), other.getValue(), field + ".Decodes." + other.getKey(), backend));
        }
        return refusal;
    }

    /** The end of a tunnel of that type: {@code VNI}, and {@code VtepMAC} for vxlan or {@code MAC} for geneve. */
    private static Optional<Refusal> tunnelEnd(
            Lease lease, String type, JsonNode data, String field, BackendConfig backend) {
        if (!type.equals("vxlan") && !type.equals("geneve")) {
            return Optional.empty();
        }
        String name = type.equals("vxlan") ? "VtepMAC" : "MAC";
        JsonNode mac = data.path(name);
        if (!isUnicastMac(mac)) {
            return refuse(
                    lease,
                    Reason.MAC,
                    "its " + field + "." + name + " is "
                            + (mac.isMissingNode() ? "missing" : mac + ", no unicast MAC address")
                            + "; restart the daemon of that node, or delete it");
        }
        JsonNode vni = data.path("VNI");
        if (vni.isMissingNode()) {
            return Optional.empty(); // leases of early flannels have none
        }
        boolean inRange = vni.isIntegralNumber() && vni.canConvertToInt() && vni.intValue() >>> VNI_BITS == 0;
        if (!inRange) {
            return refuse(
                    lease,
                    Reason.VNI,
                    "its " + field + ".VNI is " + vni + ", no number from 0 to " + ((1 << VNI_BITS) - 1)
                            + "; restart the daemon of that node, or delete it");
        }
        Integer ours = type.equals(backend.type()) ? vni(backend) : null;
        return ours == null || Objects.equals(ours, vni.intValue())
                ? Optional.empty()
                : refuse(
                        lease,
                        Reason.VNI,
                        "its " + field + ".VNI is " + vni + ", but this network's is " + ours
                                + "; restart the daemon of that node, so that it reads the network config again");
    }

    private static boolean isUnicastMac(JsonNode node) {
        try {
            return node.isTextual() && MacAddress.parse(node.textValue()).isUnicast();
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    private static @Nullable Integer vni(BackendConfig backend) {
        if (backend instanceof BackendConfig.Vxlan vxlan) {
            return vxlan.vni();
        }
        return backend instanceof BackendConfig.Geneve geneve ? (Integer) geneve.vni() : null;
    }
}
