package io.flannelj.device;

import io.flannelj.linux.Errno;
import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;

/** A UDP socket without a kernel: datagrams to be received are put in, datagrams sent are kept. */
@SuppressWarnings("ArrayRecordComponent") // datagrams are compared by their payload, never as records
public class MemoryUnderlaySocket implements UnderlaySocket {
    /** A datagram as the wire would see it. */
    public record Datagram(IpAddress address, int port, int trafficClass, boolean hasChecksum, byte[] payload) {}

    private record Arrival(IpAddress source, byte[] bytes, int segmentBytes, int trafficClass) {}

    private final Deque<Arrival> arrivals = new ArrayDeque<>();
    private final List<Datagram> sent = new ArrayList<>();
    private int refuseWith;
    private boolean refuseOnlySegmented;
    private int messages;
    private boolean fillsChecksums = true;
    private final IpFamily family;

    /** A socket of IPv4. */
    public MemoryUnderlaySocket() {
        this(IpFamily.IPV4);
    }

    public MemoryUnderlaySocket(IpFamily family) {
        this.family = family;
    }

    /** Queues what the kernel received: one datagram, or a joined run of them. */
    public void arrive(IpAddress source, byte[] bytes, int segmentBytes) {
        arrive(source, bytes, segmentBytes, 0);
    }

    /** The same with a traffic class of the outer headers. */
    public void arrive(IpAddress source, byte[] bytes, int segmentBytes, int trafficClass) {
        arrivals.add(new Arrival(source, bytes, segmentBytes, trafficClass));
    }

    /** Datagrams sent so far, segmented messages taken apart. */
    public List<Datagram> sent() {
        return sent;
    }

    /** Messages sent so far. */
    public int messages() {
        return messages;
    }

    /** From now on sends fail with this errno: all of them, or only those that need segmentation. 0 ends it. */
    public void refuse(int errno, boolean onlySegmented) {
        refuseWith = errno;
        refuseOnlySegmented = onlySegmented;
    }

    @Override
    public int fd() {
        return -1;
    }

    @Override
    public IpFamily family() {
        return family;
    }

    @Override
    public int send(SendVector vector, int from, int count) {
        int taken = 0;
        for (int i = from; i < from + count; i++) {
            if (!fillsChecksums && vector.datagrams(i) > 1) {
                return taken == 0 ? -Errno.EINVAL : taken; // as the kernel does
            }
            if (refuseWith != 0 && !(refuseOnlySegmented && vector.datagrams(i) == 1)) {
                return taken == 0 ? -refuseWith : taken;
            }
            int bytes = 0;
            int end = vector.firstPart(i + 1);
            for (int part = vector.firstPart(i); part < end; part++) {
                bytes += vector.partBytes(part);
            }
            byte[] payload = new byte[bytes];
            int at = 0;
            for (int part = vector.firstPart(i); part < end; part++) {
                at = Memory.copy(vector.partAddress(part), payload, at, vector.partBytes(part));
            }
            int datagrams = 0;
            for (int cut = 0; cut < bytes; cut += vector.segmentBytes(i), datagrams++) {
                sent.add(new Datagram(
                        vector.destination(i),
                        vector.port(i),
                        vector.trafficClass(i),
                        fillsChecksums,
                        Arrays.copyOfRange(payload, cut, Math.min(bytes, cut + vector.segmentBytes(i)))));
            }
            if (datagrams != vector.datagrams(i)) {
                throw new AssertionError("message says " + vector.datagrams(i) + " datagrams, holds " + datagrams);
            }
            messages++;
            taken++;
        }
        return taken;
    }

    @Override
    public void fillChecksums(boolean fills) {
        fillsChecksums = fills;
    }

    @Override
    public int receive(ReceiveVector slots) {
        int filled = 0;
        while (filled < slots.slots() && !arrivals.isEmpty()) {
            Arrival arrival = arrivals.remove();
            slots.data().setBytes(slots.offset(filled), arrival.bytes());
            IpAddress source = arrival.source();
            slots.fill(
                    filled,
                    source.highBits(),
                    source.lowBits(),
                    arrival.bytes().length,
                    arrival.segmentBytes(),
                    arrival.trafficClass());
            filled++;
        }
        return filled;
    }

    @Override
    public void close() {}
}
