package io.flannelj.fuzz;

import io.flannelj.lease.kube.NodeFuzz;
import io.flannelj.netlink.NetlinkFuzz;
import java.util.Locale;
import java.util.function.Consumer;

/** Everything that is fuzzed; a target's seeds lie in the folder of its name. */
@SuppressWarnings("ImmutableEnumChecker") // what a target runs keeps no state
enum Target {
    INBOUND(InboundFuzz.class, InboundFuzz::fuzzerTestOneInput, 4_000),
    OUTBOUND(OutboundFuzz.class, OutboundFuzz::fuzzerTestOneInput, 4_000),
    NETLINK(NetlinkFuzz.class, NetlinkFuzz::fuzzerTestOneInput, 40_000),
    CNI_FRAMES(CniFramesFuzz.class, CniFramesFuzz::fuzzerTestOneInput, 40_000),
    HTTP(HttpFuzz.class, HttpFuzz::fuzzerTestOneInput, 2_000),
    NETWORK_CONFIG(NetworkConfigFuzz.class, NetworkConfigFuzz::fuzzerTestOneInput, 10_000),
    LEASE(LeaseFuzz.class, LeaseFuzz::fuzzerTestOneInput, 40_000),
    LEASE_KEY(LeaseKeyFuzz.class, LeaseKeyFuzz::fuzzerTestOneInput, 40_000),
    SAVED_LEASES(SavedLeasesFuzz.class, SavedLeasesFuzz::fuzzerTestOneInput, 1_000),
    SUBNET_ENV(SubnetEnvFuzz.class, SubnetEnvFuzz::fuzzerTestOneInput, 40_000),
    NODE(NodeFuzz.class, NodeFuzz::fuzzerTestOneInput, 10_000);

    private final Class<?> type;
    private final Consumer<byte[]> run;
    private final int mutants;

    /**
     * @param mutants how many a regular run tries: a second or two of work
     */
    Target(Class<?> type, Consumer<byte[]> run, int mutants) {
        this.type = type;
        this.run = run;
        this.mutants = mutants;
    }

    Class<?> type() {
        return type;
    }

    int mutants() {
        return mutants;
    }

    /** Tries one input; throws where a promise does not hold. */
    void run(byte[] input) {
        run.accept(input);
    }

    /** As on the command line, and the folder of its seeds. */
    String label() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
