package io.flannelj.main;

import io.flannelj.backend.HostNetworks;
import io.flannelj.backend.Uplink;
import io.flannelj.config.NetworkConfig;
import io.flannelj.lease.Admission;
import io.flannelj.lease.Lease;
import io.flannelj.lease.PodSubnets;
import io.flannelj.lease.Refusal;
import io.flannelj.lease.Refusals;
import io.flannelj.lease.SubnetManager;
import io.flannelj.net.Cidr;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The leases of other nodes, as the store has them, and those of them that are obeyed. Confined to the control thread.
 */
final class PeerAdmission {
    private static final Logger log = LoggerFactory.getLogger(PeerAdmission.class);

    private final SubnetManager store;
    private final PodSubnets own;
    private final Uplink uplink;
    private final Refusals refusals;
    private List<Cidr> host;
    private List<Cidr> containers = List.of();
    private Collection<Lease> offered = List.of();
    private List<Lease> admitted = List.of();

    PeerAdmission(SubnetManager store, PodSubnets own, Uplink uplink, Refusals refusals) {
        this.store = store;
        this.own = own;
        this.uplink = uplink;
        this.refusals = refusals;
        this.host = HostNetworks.publicAddresses(uplink);
    }

    /** From now on the store has these. */
    void offer(Collection<Lease> leases) {
        offered = leases;
    }

    /** Those that are obeyed now; the same list again while they are the same. Names the others. */
    List<Lease> admit(NetworkConfig config) {
        askHost();
        Admission.Verdict verdict =
                Admission.judge(offered, new Admission.Rules(config, store.assigns(), own, host, containers));
        if (!verdict.admitted().equals(admitted)) {
            admitted = verdict.admitted();
        }
        List<Refusal> all = new ArrayList<>(verdict.refused());
        all.addAll(store.unreadable());
        refusals.replace(all);
        return admitted;
    }

    /** Asked each time: addresses come and go. */
    private void askHost() {
        try {
            host = HostNetworks.of(uplink);
            containers = HostNetworks.ofContainers(uplink);
        } catch (IOException e) {
            log.debug("this node's addresses cannot be read; those of before count: {}", e.getMessage());
        }
    }
}
