package io.flannelj.datapath;

import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLongArray;
import org.jspecify.annotations.Nullable;

/**
 * Another node as the data path sees it: where its pods are, and how to get there. It outlives the route tables it
 * stands in, so that its counters do too.
 *
 * <p>Counters have one writer for each queue, its worker; anybody may read.
 */
public final class Peer {
    private static final long RUNS_ARE_TRIED_AGAIN_NANOS = 60_000_000_000L;
    private static final int QUEUE_SLOTS = 8; // a cache line of its own, so that workers do not disturb each other
    private static final int PACKETS_OUT = 0;
    private static final int BYTES_OUT = 1;
    private static final int PACKETS_IN = 2;
    private static final int BYTES_IN = 3;

    private final Cidr subnet;
    private final IpAddress underlayAddress;
    private final long underlayHigh;
    private final long underlayLow;
    private final long subnetHigh;
    private final long subnetLow;
    private final long subnetHighMask;
    private final long subnetLowMask;
    private final int port;
    private final long linkAddress;
    private AtomicLongArray counts = new AtomicLongArray(QUEUE_SLOTS);
    private boolean neverSegmented;
    private boolean wasRefused;
    private long refusedAtNanos;
    private boolean damagesRuns;
    private boolean neverSummed;
    private boolean damagesChecksums;
    private boolean uncutWasRefused;
    private long uncutRefusedAtNanos;
    private volatile @Nullable NextHop nextHop;
    private volatile Way way = Way.UNTESTED;

    /**
     * What was found out about the way there.
     *
     * @param mtuBytes the longest inner packet that passes whole
     * @param clampsMss whether new TCP connections are told of it
     */
    record Way(int mtuBytes, boolean clampsMss) {
        static final Way UNTESTED = new Way(Integer.MAX_VALUE, false);
    }

    /**
     * @param subnet the peer's lease, network form
     * @param underlayAddress where its tunnel ends
     * @param port UDP port of its tunnel
     * @param linkAddress its VTEP's MAC address in the lower 48 bits; 0 where the encapsulation has none
     */
    public Peer(Cidr subnet, IpAddress underlayAddress, int port, long linkAddress) {
        this.subnet = subnet;
        this.underlayAddress = underlayAddress;
        this.underlayHigh = underlayAddress.highBits();
        this.underlayLow = underlayAddress.lowBits();
        this.subnetHigh = subnet.address().highBits();
        this.subnetLow = subnet.address().lowBits();
        this.subnetHighMask = subnet.mask().highBits();
        this.subnetLowMask = subnet.mask().lowBits();
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

    /** Whether an address of the lease's family lies in it. */
    boolean covers(long high, long low) {
        return (high & subnetHighMask) == subnetHigh && (low & subnetLowMask) == subnetLow;
    }

    /** The upper half of the underlay address; 0 for an IPv4 one. */
    long underlayHigh() {
        return underlayHigh;
    }

    /** The lower half of the underlay address; an IPv4 one whole. */
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

    /** Bytes sent to it, from the inner IP header on. */
    public long bytesOut() {
        return sum(BYTES_OUT);
    }

    public long packetsIn() {
        return sum(PACKETS_IN);
    }

    /** Bytes received from it, from the inner IP header on. */
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

    /** Whether UDP segmentation does not work on the way to this peer. Any worker may find out; each reads it plainly. */
    public boolean segmentsSeparately() {
        return neverSegmented || damagesRuns || refusedAtNanos != 0 || isUnsummed();
    }

    /** Whether outer checksums are left out there. Runs and super-packets, which need one, are then not sent either. */
    public boolean isUnsummed() {
        return neverSummed || damagesChecksums;
    }

    /** Whether it is of no use to test that. */
    public boolean isNeverSummed() {
        return neverSummed;
    }

    /** Each packet to it goes without an outer checksum, for good. Before the peer is in a table. */
    public void leaveChecksumsOut() {
        neverSummed = true;
    }

    /** Whether datagrams with an outer checksum arrive damaged there; from one thread, that of the probes. */
    public void damageChecksums(boolean found) {
        damagesChecksums = found;
    }

    /** Whether it is of no use to test that, since the kernel is not asked. */
    public boolean isNeverSegmented() {
        return neverSegmented;
    }

    /** Each packet to it is sent by itself, for good. Before the peer is in a table. */
    public void segmentSeparately() {
        neverSegmented = true;
    }

    /**
     * The kernel refuses a run to it, so that each packet is sent by itself for a while. By a worker.
     *
     * @return whether that is the first time
     */
    boolean refuseRuns(long nowNanos) {
        boolean first = !wasRefused;
        wasRefused = true;
        refusedAtNanos = nowNanos | 1; // 0 stands for never
        return first;
    }

    /** Lets be tried again what the kernel refused a while ago: the uplink may have been changed since. */
    public void tryRunsAgain(long nowNanos) {
        if (isOver(refusedAtNanos, nowNanos)) {
            refusedAtNanos = 0;
        }
        if (isOver(uncutRefusedAtNanos, nowNanos)) {
            uncutRefusedAtNanos = 0;
        }
    }

    private static boolean isOver(long refusedAtNanos, long nowNanos) {
        return refusedAtNanos != 0 && nowNanos - refusedAtNanos > RUNS_ARE_TRIED_AGAIN_NANOS;
    }

    /** Takes the next hop on the underlay, null where none is known; from one thread, that of who follows the kernel. */
    public void leadTo(@Nullable NextHop hop) {
        if (!Objects.equals(hop, nextHop)) {
            nextHop = hop;
        }
    }

    /** The next hop that super-packets go to uncut; null where they go by the socket. */
    @Nullable
    NextHop uncutHop() {
        return uncutRefusedAtNanos != 0 || segmentsSeparately() ? null : nextHop;
    }

    /**
     * The kernel refuses an uncut super-packet to it, or any packet: for a while all go by the socket. By a worker.
     *
     * @return whether that is the first time
     */
    boolean refuseUncut(long nowNanos) {
        boolean first = !uncutWasRefused;
        uncutWasRefused = true;
        uncutRefusedAtNanos = nowNanos | 1;
        return first;
    }

    /** How super-packets leave for it, as things are now. */
    public SuperPackets superPackets() {
        return segmentsSeparately()
                ? SuperPackets.SEPARATE
                : uncutHop() == null ? SuperPackets.SEGMENTED : SuperPackets.UNCUT;
    }

    /** Whether runs that are segmented on their way out arrive damaged there; from one thread, that of the probes. */
    public void damageRuns(boolean found) {
        damagesRuns = found;
    }

    /**
     * Takes what was found out about the way there; from one thread, that of the probes.
     *
     * @param mtuBytes the longest inner packet that passes whole
     * @param clampMss whether the segment size of new TCP connections is limited to that
     */
    public void limit(int mtuBytes, boolean clampMss) {
        if (mtuBytes != way.mtuBytes || clampMss != way.clampsMss) {
            way = new Way(mtuBytes, clampMss);
        }
    }

    /** What was found out about the way there. */
    Way way() {
        return way;
    }
}
