package io.flannelj.cli;

import io.flannelj.config.DatapathOptions;
import io.flannelj.config.Problems;
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

    DatapathOptions options(Problems problems) {
        return DatapathOptions.of(tunDevice, busyPollMicros, vxlanDatapath, workers, pinWorkers, thinAcks, problems);
    }
}
