package io.flannelj.main;

import io.flannelj.backend.Backend;
import io.flannelj.config.DaemonOptions;
import io.flannelj.lease.PodSubnets;
import io.flannelj.net.SubnetEnv;
import java.io.IOException;

/** Tells CNI plugins of this node's subnet and MTU, by flannel's {@code subnet.env}. Confined to one thread. */
final class SubnetFile {
    private final DaemonOptions options;
    private final PodSubnets subnets;
    private final Backend backend;
    private final SessionReport report;
    private int writtenMtuBytes;

    SubnetFile(DaemonOptions options, PodSubnets subnets, Backend backend, SessionReport report) {
        this.options = options;
        this.subnets = subnets;
        this.backend = backend;
        this.report = report;
    }

    void write() throws IOException {
        writtenMtuBytes = backend.podMtuBytes();
        new SubnetEnv(
                        report.status().config().networks(),
                        subnets.byFamily(),
                        writtenMtuBytes,
                        options.hostRules().masquerade())
                .write(options.paths().subnetFile());
    }

    /** Writes it again where new pods shall have another MTU. */
    void followMtu() {
        if (backend.podMtuBytes() == writtenMtuBytes) {
            return;
        }
        try {
            write();
        } catch (IOException e) {
            report.setTrouble(Troubles.Topic.BACKEND, "the MTU for new pods cannot be written: " + e.getMessage());
        }
    }
}
