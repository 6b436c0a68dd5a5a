package io.flannelj.datapath;

import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * Another node as the data path sees it: where its pods are, and how to get there. It outlives the route tables it
 * stands in, so that its counters do too.
 *
 * <p>Counters have one writer for each queue, its worker; anybody may read.
 */
public final class Peer {
    private static final int QUEUE_SLOTS = 8; // a cache line of its own, so that workers do not disturb each other
    private static final int PACKETS_OUT = 0;
    private static final int BYTES_OUT = 1;
    private static final int PACKETS_IN = 2;
    private static final int BYTES_IN = 3;

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
    private AtomicLongArray counts = new AtomicLongArray(QUEUE_SLOTS);
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

    /** Makes room for the counters of so many queues; before the peer is routed to. */
    void serve(int queues) {
        if (counts.length() < queues * QUEUE_SLOTS) {
            counts = new AtomicLongArray(queues * QUEUE_SLOTS);
        }
    }

    public long packetsOut() {
        return sum(PACKETS_OUT);
    }

    /** Octets sent to it, from the inner IP header on. */
    public long bytesOut() {
        return sum(BYTES_OUT);
    }

    public long packetsIn() {
        return sum(PACKETS_IN);
    }

    /** Octets received from it, from the inner IP header on. */
    public long bytesIn() {
        return sum(BYTES_IN);
    }

    private long sum(int counter) {
        long sum = 0;
        for (int at = counter; at < counts.length(); at += QUEUE_SLOTS) {
            sum += counts.getOpaque(at);
        }
        return sum;
    }

    void countOut(int queue, long packets, long bytes) {
        add(queue * QUEUE_SLOTS + PACKETS_OUT, packets);
        add(queue * QUEUE_SLOTS + BYTES_OUT, bytes);
    }

    void countIn(int queue, long packets, long bytes) {
        add(queue * QUEUE_SLOTS + PACKETS_IN, packets);
        add(queue * QUEUE_SLOTS + BYTES_IN, bytes);
    }

    private void add(int at, long amount) {
        counts.setOpaque(at, counts.getPlain(at) + amount);
    }

    /** Whether the kernel refused UDP segmentation on the way to this peer. Any worker may find out; each reads it plainly. */
    boolean segmentsSeparately() {
        return segmentsSeparately;
    }

    /** From now on each packet to it is sent by itself. Worker's own, once the peer is in a table. */
    public void segmentSeparately() {
        segmentsSeparately = true;
    }
}
