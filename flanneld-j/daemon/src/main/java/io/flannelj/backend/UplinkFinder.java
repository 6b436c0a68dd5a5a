package io.flannelj.backend;

import io.flannelj.config.UplinkOptions;
import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import io.flannelj.net.PerFamily;
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
     * @param families of the network
     * @throws IOException when nothing fits; says what was tried, and what there is
     */
    public Uplink find(UplinkOptions options, Set<IpFamily> families) throws IOException {
        return find(options, PerFamily.none(), families);
    }

    /**
     * The same for a node that the store makes known by other addresses. They do not choose the interface.
     *
     * @param overwrites what peers are told instead, of the families that are there
     */
    public Uplink find(UplinkOptions options, PerFamily<IpAddress> overwrites, Set<IpFamily> families)
            throws IOException {
        IpFamily family = families.contains(IpFamily.IPV4) ? IpFamily.IPV4 : IpFamily.IPV6;
        Found found = search(options, family);
        if (found == null) {
            throw new IOException("no interface to the other nodes with an " + family + " address: tried "
                    + tried(options, family) + "; there are " + present() + "; name one by --iface");
        }
        Link link = found.link();
        if (link.mtuBytes() == 0) {
            throw new IOException("interface " + link.name() + " has MTU 0");
        }
        PerFamily<IpAddress> addresses = PerFamily.of(family, found.address());
        if (families.size() > 1) {
            addresses = addresses.orElse(PerFamily.of(IpFamily.IPV6, ipv6On(link, options)));
        }
        PerFamily<IpAddress> publicIps = options.publicIps().only(families).orElse(addresses);
        PerFamily<IpAddress> knownAs = overwrites.only(families).orElse(publicIps);
        return new Uplink(
                link.name(),
                link.index(),
                link.mtuBytes(),
                addresses,
                publicIps,
                knownAs,
                ofThisNode(knownAs).orElse(ofThisNode(publicIps)).orElse(addresses));
    }

    private PerFamily<IpAddress> ofThisNode(PerFamily<IpAddress> wanted) throws IOException {
        List<IpAddress> own = addresses.list().stream()
                .map(address -> address.cidr().address())
                .toList();
        return PerFamily.of(family -> wanted.get(family).filter(own::contains));
    }

    /** The IPv6 address of the interface that was found by IPv4: one that the operator named, else the best. */
    private IpAddress ipv6On(Link link, UplinkOptions options) throws IOException {
        List<IpAddress> there = addresses.list(link.index()).stream()
                .map(address -> address.cidr().address())
                .filter(IpAddress::isIpv6)
                .toList();
        IpAddress named = there.stream()
                .filter(address -> options.publicIps().values().contains(address)
                        || options.interfaces().contains(address.toString()))
                .findFirst()
                .orElse(null);
        IpAddress chosen = named != null ? named : best(link.index(), IpFamily.IPV6);
        if (chosen == null) {
            throw new IOException(
                    "interface " + link.name() + " has no IPv6 address that other nodes could reach, which"
                            + " this dual-stack network needs beside the IPv4 one; give it one, name another by --iface, or set"
                            + " EnableIPv6 to false");
        }
        return chosen;
    }

    private record Found(Link link, IpAddress address) {}

    private @Nullable Found search(UplinkOptions options, IpFamily family) throws IOException {
        boolean asked = false;
        for (String wanted : options.interfaces()) {
            asked = true;
            Found found = byNameOrAddress(wanted, family);
            if (found != null) {
                return found;
            }
        }
        for (String pattern : options.interfacePatterns()) {
            asked = true;
            Found found = byPattern(Pattern.compile(pattern), family);
            if (found != null) {
                return found;
            }
        }
        IpAddress canReach = options.canReach();
        if (canReach != null) {
            asked = true;
            Route route = routes.lookup(canReach);
            Found found = byIndex(route.linkIndex(), route.source(), family);
            if (found != null) {
                return found;
            }
        }
        if (asked) {
            return null;
        }
        Optional<IpAddress> publicIp = options.publicIps().get(family);
        return publicIp.isPresent() ? byAddress(publicIp.get(), family) : byDefaultRoute(family);
    }

    private @Nullable Found byNameOrAddress(String wanted, IpFamily family) throws IOException {
        Optional<Link> named = links.find(wanted);
        if (named.isPresent()) {
            return byIndex(named.get().index(), null, family);
        }
        try {
            return byAddress(IpAddress.parse(wanted), family);
        } catch (IllegalArgumentException e) {
            return null; // neither a name that exists nor an address
        }
    }

    private @Nullable Found byAddress(IpAddress wanted, IpFamily family) throws IOException {
        for (Address address : addresses.list()) {
            if (address.cidr().address().equals(wanted)) {
                return byIndex(address.linkIndex(), wanted, family);
            }
        }
        return null;
    }

    /** Addresses first, then names, as flannel does. */
    private @Nullable Found byPattern(Pattern pattern, IpFamily family) throws IOException {
        for (Address address : addresses.list()) {
            IpAddress text = address.cidr().address();
            if (text.family() == family && pattern.matcher(text.toString()).find()) {
                return byIndex(address.linkIndex(), text, family);
            }
        }
        for (Link link : links.list()) {
            if (pattern.matcher(link.name()).find()) {
                Found found = byIndex(link.index(), null, family);
                if (found != null) {
                    return found;
                }
            }
        }
        return null;
    }

    private @Nullable Found byDefaultRoute(IpFamily family) throws IOException {
        for (Route route : routes.listDefaults(family)) {
            Found found = byIndex(route.linkIndex(), null, family);
            if (found != null) {
                return found;
            }
        }
        return null;
    }

    /**
     * @param wanted the address to use, where it is of that family
     */
    private @Nullable Found byIndex(int index, @Nullable IpAddress wanted, IpFamily family) throws IOException {
        Link link = links.find(index).orElse(null);
        IpAddress address = wanted != null && wanted.family() == family ? wanted : best(index, family);
        return link == null || address == null ? null : new Found(link, address);
    }

    /**
     * Global before link-local, permanent before dynamic; never loopback, never deprecated. IPv6 link-local addresses
     * mean something else on each link, so that peers could not be told them.
     */
    private @Nullable IpAddress best(int index, IpFamily family) throws IOException {
        return addresses.list(index).stream()
                .filter(address -> address.cidr().family() == family && !address.isDeprecated())
                .filter(address -> !address.cidr().address().isLoopback())
                .filter(address ->
                        family == IpFamily.IPV4 || !address.cidr().address().isLinkLocal())
                .min(Comparator.comparing((Address address) ->
                                !preferred.contains(address.cidr().address()))
                        .thenComparing(address -> address.cidr().address().isLinkLocal())
                        .thenComparing(address -> !address.isPermanent())
                        .thenComparing(Address::isTemporary))
                .map(address -> address.cidr().address())
                .orElse(null);
    }

    private static String tried(UplinkOptions options, IpFamily family) {
        List<String> steps = new ArrayList<>();
        options.interfaces().forEach(wanted -> steps.add("--iface " + wanted));
        options.interfacePatterns().forEach(pattern -> steps.add("--iface-regex " + pattern));
        if (options.canReach() != null) {
            steps.add("--iface-can-reach " + options.canReach());
        }
        if (steps.isEmpty()) {
            steps.add(options.publicIps()
                    .get(family)
                    .map(address -> "the address " + UplinkOptions.publicIpFlag(family) + " " + address)
                    .orElse("the default route"));
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
