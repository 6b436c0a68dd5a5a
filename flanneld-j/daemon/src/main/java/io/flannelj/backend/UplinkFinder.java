package io.flannelj.backend;

import io.flannelj.config.DaemonOptions;
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
import java.util.Optional;
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

    public UplinkFinder(NetlinkSocket netlink) {
        this.links = new Links(netlink);
        this.addresses = new Addresses(netlink);
        this.routes = new Routes(netlink);
    }

    /**
     * Finds it.
     *
     * @throws IOException when nothing fits; says what was tried, and what there is
     */
    public Uplink find(DaemonOptions options) throws IOException {
        Found found = search(options);
        if (found == null) {
            throw new IOException("no interface to the other nodes: tried " + tried(options) + "; there are "
                    + present() + "; name one by --iface");
        }
        if (found.link().mtuBytes() == 0) {
            throw new IOException("interface " + found.link().name() + " has MTU 0");
        }
        IpAddress publicIp = options.publicIp() == null ? found.address() : options.publicIp();
        return new Uplink(
                found.link().name(),
                found.link().index(),
                found.link().mtuBytes(),
                found.address(),
                publicIp,
                null,
                null);
    }

    private record Found(Link link, IpAddress address) {}

    private @Nullable Found search(DaemonOptions options) throws IOException {
        boolean asked = false;
        for (String wanted : options.interfaces()) {
            asked = true;
            Found found = byNameOrAddress(wanted);
            if (found != null) {
                return found;
            }
        }
        for (String pattern : options.interfacePatterns()) {
            asked = true;
            Found found = byPattern(Pattern.compile(pattern));
            if (found != null) {
                return found;
            }
        }
        IpAddress canReach = options.canReach();
        if (canReach != null) {
            asked = true;
            Route route = routes.lookup(canReach);
            Found found = byIndex(route.linkIndex(), route.source());
            if (found != null) {
                return found;
            }
        }
        if (asked) {
            return null;
        }
        IpAddress publicIp = options.publicIp();
        return publicIp != null ? byAddress(publicIp) : byDefaultRoute();
    }

    private @Nullable Found byNameOrAddress(String wanted) throws IOException {
        Optional<Link> named = links.find(wanted);
        if (named.isPresent()) {
            return byIndex(named.get().index(), null);
        }
        try {
            return byAddress(IpAddress.parse(wanted));
        } catch (IllegalArgumentException e) {
            return null; // neither a name that exists nor an address
        }
    }

    private @Nullable Found byAddress(IpAddress wanted) throws IOException {
        for (Address address : addresses.list()) {
            if (address.cidr().address().equals(wanted)) {
                return byIndex(address.linkIndex(), wanted);
            }
        }
        return null;
    }

    /** Addresses first, then names, as flannel does. */
    private @Nullable Found byPattern(Pattern pattern) throws IOException {
        for (Address address : addresses.list()) {
            IpAddress text = address.cidr().address();
            if (text.isIpv4() && pattern.matcher(text.toString()).find()) {
                return byIndex(address.linkIndex(), text);
            }
        }
        for (Link link : links.list()) {
            if (pattern.matcher(link.name()).find()) {
                Found found = byIndex(link.index(), null);
                if (found != null) {
                    return found;
                }
            }
        }
        return null;
    }

    private @Nullable Found byDefaultRoute() throws IOException {
        for (Route route : routes.list()) {
            if (route.isDefault() && route.destination().isIpv4()) {
                return byIndex(route.linkIndex(), null);
            }
        }
        return null;
    }

    private @Nullable Found byIndex(int index, @Nullable IpAddress wanted) throws IOException {
        Link link = links.find(index).orElse(null);
        IpAddress address = wanted != null ? wanted : best(index);
        return link == null || address == null ? null : new Found(link, address);
    }

    /** Global before link-local, permanent before dynamic; never loopback, never deprecated. */
    private @Nullable IpAddress best(int index) throws IOException {
        return addresses.list(index).stream()
                .filter(address -> address.cidr().isIpv4() && !address.isDeprecated())
                .filter(address -> !address.cidr().address().isLoopback())
                .min(Comparator.comparing(
                                (Address address) -> address.cidr().address().isLinkLocal())
                        .thenComparing(address -> !address.isPermanent())
                        .thenComparing(Address::isTemporary))
                .map(address -> address.cidr().address())
                .orElse(null);
    }

    private static String tried(DaemonOptions options) {
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
                                        && address.cidr().isIpv4())
                                .map(address -> " " + address.cidr())
                                .collect(Collectors.joining()))
                .collect(Collectors.joining(", "));
    }
}
