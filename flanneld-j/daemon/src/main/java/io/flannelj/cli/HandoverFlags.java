package io.flannelj.cli;

import io.flannelj.config.DaemonOptions;
import io.flannelj.config.LeaseOptions;
import io.flannelj.config.Problems;
import picocli.CommandLine.Option;

/** How one daemon of this node follows another. */
final class HandoverFlags {
    private static final String BOOL = "true|false";

    @Option(
            names = "--keep-on-stop",
            arity = "0..1",
            fallbackValue = "true",
            paramLabel = BOOL,
            description = "at a clean stop, keep routes, rules and the kernel's VXLAN device, as flannel does, for the"
                    + " next start to take over (${DEFAULT-VALUE})")
    private boolean keepOnStop;

    @Option(
            names = "--await-predecessor",
            arity = "0..1",
            fallbackValue = "true",
            paramLabel = BOOL,
            description = "if another flanneld-j answers at --control-socket, prepare, wait until it has stopped, and"
                    + " take over at once (${DEFAULT-VALUE})")
    private boolean awaitPredecessor;

    DaemonOptions.Handover options(LeaseOptions lease, Problems problems) {
        return DaemonOptions.Handover.of(keepOnStop, awaitPredecessor, lease, problems);
    }
}
