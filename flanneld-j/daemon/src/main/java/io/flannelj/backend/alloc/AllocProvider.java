package io.flannelj.backend.alloc;

import io.flannelj.backend.Backend;
import io.flannelj.backend.BackendProvider;
import io.flannelj.backend.Prepared;
import io.flannelj.backend.PreparedBackend;
import io.flannelj.backend.Uplink;
import io.flannelj.config.NetworkConfig;
import io.flannelj.lease.Lease;
import io.flannelj.lease.LeaseAttributes;
import java.util.Collection;
import java.util.List;

/** The {@code alloc} backend: leases a subnet and carries nothing; another program brings the routes. */
public final class AllocProvider implements BackendProvider {
    @Override
    public String type() {
        return "alloc";
    }

    @Override
    public Prepared prepare(NetworkConfig config, Uplink uplink) {
        return new PreparedBackend(
                new LeaseAttributes(uplink.publicIps(), ""),
                List.of(),
                (own, onLost) -> new Nothing(uplink.mtuBytes()));
    }

    private record Nothing(int podMtuBytes) implements Backend {
        @Override
        public List<String> deviceNames() {
            return List.of();
        }

        @Override
        public void apply(Collection<Lease> peers) {
            // nothing to carry, nobody to reach
        }

        @Override
        public void close() {
            // nothing was made
        }
    }
}
