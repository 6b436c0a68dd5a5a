package io.flannelj.backend;

import io.flannelj.config.NetworkConfig;
import io.flannelj.config.TunnelSettings;
import io.flannelj.datapath.Encapsulator;
import io.flannelj.datapath.Peer;
import io.flannelj.device.DontFragment;
import io.flannelj.device.TunnelSocket;
import io.flannelj.device.UnderlaySocket;
import io.flannelj.lease.Lease;
import io.flannelj.lease.LeaseAttributes;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import io.flannelj.net.TunnelEndpoint;
import io.flannelj.net.UdpFeature;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * What makes one kind of tunnel: packets go through TUN devices and a data path of this process. All that differs from one
 * encapsulation to the next is here.
 *
 * @param settings of this node, whatever the kind of tunnel
 * @param config that asks for this tunnel; its {@code Backend.Type} is the tunnel's
 * @param uplink that outer packets leave by
 * @param attributes what the lease of a node with this tunnel alone says
 * @param directRouting whether peers that the uplink reaches without a router get plain routes, which win over the tunnel's
 * @param links one for each address family of the network, IPv4 first
 */
public record TunnelSpec(
        TunnelSettings settings,
        NetworkConfig config,
        Uplink uplink,
        LeaseAttributes attributes,
        boolean directRouting,
        List<Link> links)
        implements Prepared {
    public TunnelSpec {
        links = List.copyOf(links);
    }

    /** The {@code Backend.Type} of the config that asks for it. */
    String type() {
        return config.backend().type();
    }

    /** A peer as a link sends to it; empty when the link cannot. */
    Optional<Peer> peer(PeerView peer, Link link) {
        return peer.as(type()).flatMap(link.peerOf());
    }

    /** The subnets of a peer that can be sent to. */
    Stream<Cidr> subnets(PeerView peer) {
        return links.stream().flatMap(link -> peer(peer, link).stream()).map(Peer::subnet);
    }

    /** Whether the peer can be sent to in a family at least. */
    boolean reaches(PeerView peer) {
        return subnets(peer).findAny().isPresent();
    }

    @Override
    public List<String> routedLinks() {
        return List.of(uplink.name());
    }

    /** Whether this node and the network config both allow it. */
    boolean uses(UdpFeature feature) {
        return settings.udpFeatures().contains(feature)
                && config.backend().udpFeatures().contains(feature);
    }

    /** Whether super-packets may leave uncut, where the kernel takes them so: what cuts nothing cuts no tunnels either. */
    boolean segmentsTunnels() {
        return settings.tunnelSegmentation() && uses(UdpFeature.SEGMENTATION);
    }

    /**
     * One address family of a tunnel.
     *
     * @param deviceName name or pattern of the TUN device
     * @param network the whole pod network of the family, which is routed into the device
     * @param opening opens what outer packets go through
     * @param endpoint where that is
     * @param local the address that it is bound to
     * @param mtuBytes MTU of the TUN device and so of pods
     * @param encapsulator header codec
     * @param peerOf how a lease becomes a peer; empty for leases that this encapsulation cannot reach in this family
     */
    public record Link(
            String deviceName,
            Cidr network,
            Opening opening,
            TunnelEndpoint endpoint,
            IpAddress local,
            int mtuBytes,
            Encapsulator encapsulator,
            Function<Lease, Optional<Peer>> peerOf) {
        IpFamily family() {
            return network.family();
        }

        /** Whether outer packets can do without a checksum: over IPv6 receivers refuse them then. */
        public boolean canLeaveChecksumsOut() {
            return endpoint.isUdp() && local.isIpv4();
        }

        /** Over IPv6 nobody but the sender cuts, so it has to be told what a path takes, until probes have found that out. */
        public DontFragment dontFragment() {
            return local.isIpv4() ? DontFragment.UNSET : DontFragment.UNSET_AS_TOLD;
        }
    }

    /** Opens what outer packets go through. */
    public interface Opening {
        /**
         * Opens it.
         *
         * @param shared whether it is opened for several workers
         * @param dontFragment of what is sent
         * @throws IOException names the address or port that was refused, and the remedy
         */
        UnderlaySocket open(boolean shared, DontFragment dontFragment) throws IOException;

        /**
         * Opens what sends to the same peers, from the same address, beside the workers, and receives nothing.
         *
         * @throws IOException names the address that was refused
         */
        UnderlaySocket openToSend(DontFragment dontFragment) throws IOException;
    }

    /** A UDP socket bound to an address of the underlay. Outer packets may be cut on their way, as those of kernel VXLAN. */
    public static Opening udp(IpAddress local, int port) {
        return new Opening() {
            @Override
            public UnderlaySocket open(boolean shared, DontFragment dontFragment) throws IOException {
                return TunnelSocket.open(local, port, shared, dontFragment);
            }

            @Override
            public UnderlaySocket openToSend(DontFragment dontFragment) throws IOException {
                return TunnelSocket.openToSend(local, dontFragment);
            }
        };
    }
}
