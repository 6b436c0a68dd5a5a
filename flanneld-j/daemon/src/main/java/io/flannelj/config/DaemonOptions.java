package io.flannelj.config;

import java.time.Duration;
import java.util.List;

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
 * @param allowExtensionCommands {@code --allow-extension-commands}: run commands that stand in a network config out of
 *     etcd
 * @param cniWarmup {@code --cni-warmup-ms}: how long the CNI engine is warmed up after the start; zero for not at all
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
        boolean allowExtensionCommands,
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

    /**
     * Refuses what nobody has allowed on this node: whoever may write to etcd must not thereby run commands here. With
     * Kubernetes the network config is a file of this node ({@code --net-config-path}), and no flag is needed.
     *
     * @throws ConfigException naming the flag that allows it
     */
    public void requireAllowed(NetworkConfig network) throws ConfigException {
        if (network.backend().runsCommands() && store instanceof EtcdOptions && !allowExtensionCommands) {
            throw new ConfigException(
                    "the network config",
                    List.of("Backend.Type: the commands of \"extension\" would be run as root, and come from etcd;"
                            + " where that is wanted, start this node with --allow-extension-commands"));
        }
    }

    /** Checks what was given and notes every problem. */
    public static Duration cniWarmup(int millis, Problems problems) {
        problems.unless(millis >= 0 && millis <= 60_000, "--cni-warmup-ms", "must be 0 to 60000, was " + millis);
        return Duration.ofMillis(millis);
    }
}
