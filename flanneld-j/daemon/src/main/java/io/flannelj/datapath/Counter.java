package io.flannelj.datapath;

/** What a data path counts, other than drops. */
public enum Counter {
    /** Packets that pods and node handed to the TUN device. */
    OUT_PACKETS,
    /** Their bytes, from the IP header on. */
    OUT_BYTES,
    /** Those of them that the underlay socket took. */
    OUT_DELIVERED,
    /** System calls that read from the TUN device. */
    OUT_READS,
    /** Those that the kernel refused. */
    OUT_READ_ERRORS,
    /** System calls that sent to the underlay by the socket. */
    OUT_SENDS,
    /** System calls that sent a super-packet to the underlay uncut. */
    OUT_UNCUT_WRITES,
    /** Datagrams that came from the underlay. */
    IN_PACKETS,
    /** Bytes of inner packets delivered, from the IP header on. */
    IN_BYTES,
    /** Inner packets that the node's IP stack took. */
    IN_DELIVERED,
    /** System calls that received from the underlay. */
    IN_RECEIVES,
    /** System calls that wrote to the TUN device. */
    IN_WRITES,
    /** Nanoseconds of batches that read packets from the TUN device, from the first read to the last send. */
    OUT_BUSY_NANOS,
    /** Nanoseconds of batches that received from the underlay, from receiving to the last write. */
    IN_BUSY_NANOS,
    /** ICMP errors that we sent to pods. */
    ICMP_ERRORS,
    /** Peers for which UDP segmentation was given up after the kernel refused it. */
    SEGMENTATION_FALLBACKS,
    /** Peers for which super-packets are cut here since the kernel refused an uncut one. */
    UNCUT_FALLBACKS
}
