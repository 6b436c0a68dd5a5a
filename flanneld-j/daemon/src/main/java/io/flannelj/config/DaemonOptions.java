package io.flannelj.config;

import java.time.Duration;

/**
 * How this one daemon runs: flannel's flags, as far as their features are built, and a few of our own.
 *
 * @param store where leases are kept
 * @param uplink which interface leads to the other nodes
 * @param lease how this node's own lease is kept
 * @param hostRules what the host does with pod traffic beside carrying it
 * @param datapath how packets are carried
 * @param admin where the daemon can be asked
 * @param paths which of this host's daemons this is, and its files
 * @param handover how this daemon and the ones before and after it follow each other
 * @param cniWarmup {@code --cni-rehearsal-ms}: how long the CNI engine is warmed up after the start; zero for not at all
 */
public record DaemonOptions(
        StoreOptions store,
        UplinkOptions uplink,
        LeaseOptions lease,
        HostRuleOptions hostRules,
        DatapathOptions datapath,
        AdminOptions admin,
        PathOptions paths,
        Handover handover,
        Duration cniWarmup) {

    /**
     * How one daemon of this node follows another.
     *
     * @param keepOnStop {@code --keep-on-stop}: whether what the kernel carries by itself stays in force when this one
     *     is asked to stop
     * @param awaitPredecessor {@code --await-predecessor}: whether to wait, all prepared, for one that still runs,
     *     instead of refusing to start
     */
    public record Handover(boolean keepOnStop, boolean awaitPredecessor) {
        /** Checks what was given and notes every problem. */
        public static Handover of(boolean keepOnStop, boolean awaitPredecessor, LeaseOptions lease, Problems problems) {
            problems.unless(
                    !(keepOnStop && lease.releaseOnStop()),
                    "--keep-on-stop",
                    "cannot be together with --subnet-lease-release: routes to pods would outlive their lease");
            return new Handover(keepOnStop, awaitPredecessor);
        }
    }

    /** Checks what was given and notes every problem. */
    public static Duration cniWarmup(int millis, Problems problems) {
        problems.unless(millis >= 0 && millis <= 60_000, "--cni-rehearsal-ms", "must be 0 to 60000, was " + millis);
        return Duration.ofMillis(millis);
    }
}
