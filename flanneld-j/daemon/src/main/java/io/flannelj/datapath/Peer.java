package io.flannelj.datapath;

import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Another node as the data path sees it: where its pods are, and how to get there. It outlives the route tables it
 * stands in, so that its counters do too.
 *
 * <p>Counters have one writer, the worker; anybody may read.
 */
public final class Peer {
    private final Cidr subnet;
    private final IpAddress underlayAddress;
    private final int underlayBits;
    private final long underlayHigh;
    private final long underlayLow;
    private final int subnetBits;
    private final int subnetMask;
    private final long subnetHigh;
    private final long subnetLow;
    private final long subnetHighMask;
    private final long subnetLowMask;
    private final int port;
    private final long linkAddress;
    private final AtomicLong packetsOut = new AtomicLong();
    private final AtomicLong bytesOut = new AtomicLong();
    private final AtomicLong packetsIn = new AtomicLong();
    private final AtomicLong bytesIn = new AtomicLong();
    private boolean segmentsSeparately;

    /**
     * @param subnet the peer's lease, network form
     * @param underlayAddress where its tunnel ends
     * @param port UDP port of its tunnel
     * @param linkAddress its VTEP's MAC address in the lower 48 bits; 0 where the encapsulation has none
     */
    public Peer(Cidr subnet, IpAddress underlayAddress, int port, long linkAddress) {
        this.subnet = subnet;
        this.underlayAddress = underlayAddress;
        this.underlayBits = underlayAddress.isIpv4() ? underlayAddress.ipv4Bits() : 0;
        this.underlayHigh = underlayAddress.highBits();
        this.underlayLow = underlayAddress.lowBits();
        boolean ipv4 = subnet.isIpv4();
        int length = subnet.length();
        this.subnetBits = ipv4 ? subnet.address().ipv4Bits() : 0;
        this.subnetMask = !ipv4 || length == 0 ? 0 : -1 << (32 - length);
        this.subnetHigh = subnet.address().highBits();
        this.subnetLow = subnet.address().lowBits();
        this.subnetHighMask = Ipv6Prefixes.highMask(length);
        this.subnetLowMask = Ipv6Prefixes.lowMask(length);
        this.port = port;
        this.linkAddress = linkAddress;
    }

    /** Whether the other stands for the same way to the same pods; then the older one is kept. */
    public boolean isSameAs(Peer other) {
        return subnet.equals(other.subnet)
                && underlayAddress.equals(other.underlayAddress)
                && port == other.port
                && linkAddress == other.linkAddress;
    }

    public Cidr subnet() {
        return subnet;
    }

    public IpAddress underlayAddress() {
        return underlayAddress;
    }

    /** Whether an IPv4 address, as 32 bits, lies in the peer's lease, which must be of that family. */
    boolean covers(int address) {
        return (address & subnetMask) == subnetBits;
    }

    /** Whether an IPv6 address lies in the peer's lease, which must be of that family. */
    boolean covers(long high, long low) {
        return (high & subnetHighMask) == subnetHigh && (low & subnetLowMask) == subnetLow;
    }

    /** An IPv4 underlay address as 32 bits. */
    int underlayBits() {
        return underlayBits;
    }

    /** The upper half of an IPv6 underlay address. */
    long underlayHigh() {
        return underlayHigh;
    }

    /** The lower half of an IPv6 underlay address; an IPv4 one whole. */
    long underlayLow() {
        return underlayLow;
    }

    /** Whether both tunnels end at one node. */
    boolean isAtSameNodeAs(Peer other) {
        return underlayHigh == other.underlayHigh && underlayLow == other.underlayLow;
    }

    public int port() {
        return port;
    }

    /** The VTEP's MAC address in the lower 48 bits; 0 where the encapsulation has none. */
    public long linkAddress() {
        return linkAddress;
    }

    public long packetsOut() {
        return packetsOut.getOpaque();
    }

    /** Octets sent to it, from the inner IP header on. */
    public long bytesOut() {
        return bytesOut.getOpaque();
    }

    public long packetsIn() {
        return packetsIn.getOpaque();
    }

    /** Octets received from it, from the inner IP header on. */
    public long bytesIn() {
        return bytesIn.getOpaque();
    }

    void countOut(long packets, long bytes) {
        packetsOut.setOpaque(packetsOut.getPlain() + packets);
        bytesOut.setOpaque(bytesOut.getPlain() + bytes);
    }

    void countIn(long packets, long bytes) {
        packetsIn.setOpaque(packetsIn.getPlain() + packets);
        bytesIn.setOpaque(bytesIn.getPlain() + bytes);
    }

    /** Whether the kernel refused UDP segmentation on the way to this peer. Worker's own. */
    boolean segmentsSeparately() {
        return segmentsSeparately;
    }

    void segmentSeparately() {
        segmentsSeparately = true;
    }
}
