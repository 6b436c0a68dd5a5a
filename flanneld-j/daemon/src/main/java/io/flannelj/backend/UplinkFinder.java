package io.flannelj.backend;

import io.flannelj.config.UplinkOptions;
import io.flannelj.net.IpAddress;
import io.flannelj.netlink.Address;
import io.flannelj.netlink.Addresses;
import io.flannelj.netlink.Link;
import io.flannelj.netlink.Links;
import io.flannelj.netlink.NetlinkSocket;
import io.flannelj.netlink.Route;
import io.flannelj.netlink.Routes;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Finds the interface that leads to the other nodes, in flannel's order: each {@code --iface}, each {@code --iface-regex},
 * {@code --iface-can-reach}; with none of them given, the interface that has {@code --public-ip}, else the one of the
 * default route.
 */
public final class UplinkFinder {
    private final Links links;
    private final Addresses addresses;
    private final Routes routes;
    private final Set<IpAddress> preferred;

    public UplinkFinder(NetlinkSocket netlink) {
        this(netlink, Set.of());
    }

    /**
     * @param preferred of several addresses that an interface has, these are taken: a better one that appears beside
     *     the one in use is no reason to change
     */
    public UplinkFinder(NetlinkSocket netlink, Set<IpAddress> preferred) {
        this.preferred = Set.copyOf(preferred);
        this.links = new Links(netlink);
        this.addresses = new Addresses(netlink);
        this.routes = new Routes(netlink);
    }

    /**
     * Finds it. In a dual-stack network one interface must have addresses of both families.
     *
     * @param ipv4 whether the network has IPv4
     * @param ipv6 whether the network has IPv6
     * @throws IOException when nothing fits; says what was tried, and what there is
     */
    public Uplink find(UplinkOptions options, boolean ipv4, boolean ipv6) throws IOException {
        Found found = search(options, !ipv4);
        if (found == null) {
            throw new IOException("no interface to the other nodes with an " + family(!ipv4) + " address: tried "
                    + tried(options) + "; there are " + present() + "; name one by --iface");
        }
        Link link = found.link();
        if (link.mtuBytes() == 0) {
            throw new IOException("interface " + link.name() + " has MTU 0");
        }
        IpAddress address = ipv4 ? found.address() : null;
        IpAddress ipv6Address = !ipv6 ? null : ipv4 ? ipv6On(link, options) : found.address();
        IpAddress publicIp = address == null || options.publicIp() == null ? address : options.publicIp();
        IpAddress publicIpv6 = ipv6Address == null || options.publicIpv6() == null ? ipv6Address : options.publicIpv6();
        return new Uplink(
                link.name(),
                link.index(),
                link.mtuBytes(),
                address,
                publicIp,
                ipv6Address,
                publicIpv6,
                isOfThisNode(publicIp) ? publicIp : address,
                isOfThisNode(publicIpv6) ? publicIpv6 : ipv6Address);
    }

    private boolean isOfThisNode(@Nullable IpAddress wanted) throws IOException {
        if (wanted == null) {
            return false;
        }
        return addresses.list().stream().anyMatch(own -> own.cidr().address().equals(wanted));
    }

    private static String family(boolean ipv6) {
        return ipv6 ? "IPv6" : "IPv4";
    }

    /** The IPv6 address of the interface that was found by IPv4: one that the operator named, else the best. */
    private IpAddress ipv6On(Link link, UplinkOptions options) throws IOException {
        List<IpAddress> there = addresses.list(link.index()).stream()
                .map(address -> address.cidr().address())
                .filter(IpAddress::isIpv6)
                .toList();
        IpAddress named = there.stream()
                .filter(address -> Objects.equals(address, options.publicIpv6())
                        || options.interfaces().contains(address.toString()))
                .findFirst()
                .orElse(null);
        IpAddress chosen = named != null ? named : best(link.index(), true);
        if (chosen == null) {
            throw new IOException(
                    "interface " + link.name() + " has no IPv6 address that other nodes could reach, which"
                            + " this dual-stack network needs beside the IPv4 one; give it one, name another by --iface, or set"
                            + " EnableIPv6 to false");
        }
        return chosen;
    }

    private record Found(Link link, IpAddress address) {}

    private @Nullable Found search(UplinkOptions options, boolean ipv6) throws IOException {
        boolean asked = false;
        for (String wanted : options.interfaces()) {
            asked = true;
            Found found = byNameOrAddress(wanted, ipv6);
            if (found != null) {
                return found;
            }
        }
        for (String pattern : options.interfacePatterns()) {
            asked = true;
            Found found = byPattern(Pattern.compile(pattern), ipv6);
            if (found != null) {
                return found;
            }
        }
        IpAddress canReach = options.canReach();
        if (canReach != null) {
            asked = true;
            Route route = routes.lookup(canReach);
            Found found = byIndex(route.linkIndex(), route.source(), ipv6);
            if (found != null) {
                return found;
            }
        }
        if (asked) {
            return null;
        }
        IpAddress publicIp = ipv6 ? options.publicIpv6() : options.publicIp();
        return publicIp != null ? byAddress(publicIp, ipv6) : byDefaultRoute(ipv6);
    }

    private @Nullable Found byNameOrAddress(String wanted, boolean ipv6) throws IOException {
        Optional<Link> named = links.find(wanted);
        if (named.isPresent()) {
            return byIndex(named.get().index(), null, ipv6);
        }
        try {
            return byAddress(IpAddress.parse(wanted), ipv6);
        } catch (IllegalArgumentException e) {
            return null; // neither a name that exists nor an address
        }
    }

    private @Nullable Found byAddress(IpAddress wanted, boolean ipv6) throws IOException {
        for (Address address : addresses.list()) {
            if (address.cidr().address().equals(wanted)) {
                return byIndex(address.linkIndex(), wanted, ipv6);
            }
        }
        return null;
    }

    /** Addresses first, then names, as flannel does. */
    private @Nullable Found byPattern(Pattern pattern, boolean ipv6) throws IOException {
        for (Address address : addresses.list()) {
            IpAddress text = address.cidr().address();
            if (text.isIpv6() == ipv6 && pattern.matcher(text.toString()).find()) {
                return byIndex(address.linkIndex(), text, ipv6);
            }
        }
        for (Link link : links.list()) {
            if (pattern.matcher(link.name()).find()) {
                Found found = byIndex(link.index(), null, ipv6);
                if (found != null) {
                    return found;
                }
            }
        }
        return null;
    }

    private @Nullable Found byDefaultRoute(boolean ipv6) throws IOException {
        for (Route route : routes.listDefaults(ipv6)) {
            Found found = byIndex(route.linkIndex(), null, ipv6);
            if (found != null) {
                return found;
            }
        }
        return null;
    }

    /**
     * @param wanted the address to use, where it is of that family
     */
    private @Nullable Found byIndex(int index, @Nullable IpAddress wanted, boolean ipv6) throws IOException {
        Link link = links.find(index).orElse(null);
        IpAddress address = wanted != null && wanted.isIpv6() == ipv6 ? wanted : best(index, ipv6);
        return link == null || address == null ? null : new Found(link, address);
    }

    /**
     * Global before link-local, permanent before dynamic; never loopback, never deprecated. IPv6 link-local addresses
     * mean something else on each link, so that peers could not be told them.
     */
    private @Nullable IpAddress best(int index, boolean ipv6) throws IOException {
        return addresses.list(index).stream()
                .filter(address -> address.cidr().isIpv6() == ipv6 && !address.isDeprecated())
                .filter(address -> !address.cidr().address().isLoopback())
                .filter(address -> !ipv6 || !address.cidr().address().isLinkLocal())
                .min(Comparator.comparing((Address address) ->
                                !preferred.contains(address.cidr().address()))
                        .thenComparing(address -> address.cidr().address().isLinkLocal())
                        .thenComparing(address -> !address.isPermanent())
                        .thenComparing(Address::isTemporary))
                .map(address -> address.cidr().address())
                .orElse(null);
    }

    private static String tried(UplinkOptions options) {
        List<String> steps = new ArrayList<>();
        options.interfaces().forEach(wanted -> steps.add("--iface " + wanted));
        options.interfacePatterns().forEach(pattern -> steps.add("--iface-regex " + pattern));
        if (options.canReach() != null) {
            steps.add("--iface-can-reach " + options.canReach());
        }
        if (steps.isEmpty()) {
            steps.add(
                    options.publicIp() == null ? "the default route" : "the address --public-ip " + options.publicIp());
        }
        return String.join(", ", steps);
    }

    private String present() throws IOException {
        List<Address> all = addresses.list();
        return links.list().stream()
                .map(link -> link.name()
                        + all.stream()
                                .filter(address -> address.linkIndex() == link.index()
                                        && !address.cidr().address().isLinkLocal())
                                .map(address -> " " + address.cidr())
                                .collect(Collectors.joining()))
                .collect(Collectors.joining(", "));
    }
}
