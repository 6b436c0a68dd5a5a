package io.flannelj.cli;

import io.flannelj.config.DatapathOptions;
import io.flannelj.config.Problems;
import io.flannelj.net.UdpFeature;
import picocli.CommandLine.Option;

/** How packets are carried. */
final class DatapathFlags {
    private static final String BOOL = "true|false";

    @Option(names = "--tun-device", paramLabel = "FILE", description = "the TUN driver (${DEFAULT-VALUE})")
    private String tunDevice = "/dev/net/tun";

    @Option(
            names = "--busy-poll-us",
            paramLabel = "MICROSECONDS",
            description =
                    "with sparse traffic, poll for the next packet this long before sleeping; 0 saves processor time,"
                            + " more lowers latency (${DEFAULT-VALUE})")
    private int busyPollMicros = 50;

    @Option(
            names = "--vxlan-datapath",
            paramLabel = "userspace|kernel|auto",
            description = "which data path carries VXLAN on this node; overrides the network config")
    private String vxlanDatapath = "";

    @Option(
            names = "--workers",
            paramLabel = "N",
            description = "threads that carry packets, each with a TUN queue and a socket; 0: one below four"
                    + " processors, otherwise half of them and at most four (${DEFAULT-VALUE})")
    private int workers;

    @Option(
            names = "--pin-workers",
            arity = "0..1",
            fallbackValue = "true",
            paramLabel = BOOL,
            description = "pin each worker to its own processor (${DEFAULT-VALUE})")
    private boolean pinWorkers;

    @Option(
            names = "--thin-acks",
            arity = "0..1",
            fallbackValue = "true",
            paramLabel = BOOL,
            description = "of bare TCP acknowledgements of one flow that wait together, send only the last, which"
                    + " replaces the others (${DEFAULT-VALUE})")
    private boolean thinAcks = true;

    @Option(
            names = "--udp-segmentation",
            arity = "0..1",
            fallbackValue = "true",
            paramLabel = BOOL,
            description = "let the kernel or the network card segment runs of datagrams; false sends each by itself, as"
                    + " probes have it done where runs arrive damaged (${DEFAULT-VALUE})")
    private boolean segments = true;

    @Option(
            names = "--udp-checksums",
            arity = "0..1",
            fallbackValue = "true",
            paramLabel = BOOL,
            description = "fill in the outer UDP checksum, over IPv4; false leaves it out, as probes have it done where"
                    + " datagrams with one do not arrive, and sends each packet by itself (${DEFAULT-VALUE})")
    private boolean fillsChecksums = true;

    @Option(
            names = "--tunnel-segmentation",
            arity = "0..1",
            fallbackValue = "true",
            paramLabel = BOOL,
            description =
                    "let the kernel or the network card cut TCP and UDP packets of up to 64 KiB behind all headers, where the"
                            + " kernel can (Linux 6.17); they pass no packet filter of the host then, small packets do"
                            + " (${DEFAULT-VALUE})")
    private boolean tunnelSegmentation = true;

    @Option(
            names = "--clamp-mss",
            arity = "0..1",
            fallbackValue = "true",
            paramLabel = BOOL,
            description =
                    "limit the segment size of new TCP connections to what the path to the other node takes, where"
                            + " probes found that it is less than the tunnel's MTU (${DEFAULT-VALUE})")
    private boolean clampMss = true;

    @Option(
            names = "--peer-probes",
            arity = "0..1",
            fallbackValue = "true",
            paramLabel = BOOL,
            description =
                    "ping other nodes all the time, to know round-trip time and loss, and of tunnels in user space path"
                            + " MTU and whether segmentation and checksums work (${DEFAULT-VALUE})")
    private boolean peerProbes = true;

    DatapathOptions options(Problems problems) {
        return DatapathOptions.of(
                tunDevice,
                busyPollMicros,
                vxlanDatapath,
                workers,
                pinWorkers,
                thinAcks,
                UdpFeature.where(feature -> switch (feature) {
                    case SEGMENTATION -> segments;
                    case CHECKSUM -> fillsChecksums;
                }),
                tunnelSegmentation,
                clampMss,
                peerProbes,
                problems);
    }
}
