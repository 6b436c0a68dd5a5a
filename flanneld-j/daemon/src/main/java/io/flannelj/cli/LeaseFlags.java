package io.flannelj.cli;

import io.flannelj.config.LeaseOptions;
import io.flannelj.config.Problems;
import picocli.CommandLine.Option;

/** How the node's own lease is kept, under flannel's names. */
final class LeaseFlags {
    private static final String BOOL = "true|false";

    @Option(
            names = "--subnet-lease-renew-margin",
            paramLabel = "MINUTES",
            description = "renew the lease this long before it ends (${DEFAULT-VALUE})")
    private int renewMarginMinutes = 60;

    @Option(
            names = "--subnet-lease-ttl",
            paramLabel = "SECONDS",
            description = "how long the lease lasts without renewal; it is renewed at half of that at the latest"
                    + " (${DEFAULT-VALUE})")
    private int timeToLiveSeconds = 86_400;

    @Option(
            names = "--subnet-lease-release",
            arity = "0..1",
            fallbackValue = "true",
            paramLabel = BOOL,
            description = "release the lease at a clean stop (${DEFAULT-VALUE})")
    private boolean releaseOnStop;

    LeaseOptions options(Problems problems) {
        return LeaseOptions.of(timeToLiveSeconds, renewMarginMinutes, releaseOnStop, problems);
    }
}
