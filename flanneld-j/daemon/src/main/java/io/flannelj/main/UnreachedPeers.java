package io.flannelj.main;

import io.flannelj.lease.PodSubnets;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Peers that the backend does not reach, with the reason; each is logged once. Written by the control thread, read by any. */
final class UnreachedPeers {
    private static final Logger log = LoggerFactory.getLogger(UnreachedPeers.class);
    private static final int LOGGED_AT_ONCE = 10;

    private volatile Map<PodSubnets, String> reasons = Map.of();

    Map<PodSubnets, String> reasons() {
        return reasons;
    }

    /** Takes what the backend says of its peers now. */
    void update(Map<PodSubnets, String> now) {
        int more = 0;
        for (Map.Entry<PodSubnets, String> peer : now.entrySet()) {
            if (!peer.getValue().equals(reasons.get(peer.getKey())) && ++more <= LOGGED_AT_ONCE) {
                log.warn("nothing is sent to {}: {}", peer.getKey(), peer.getValue());
            }
        }
        if (more > LOGGED_AT_ONCE) {
            log.warn("nothing is sent to {} more nodes; flanneld-j peers shows why", more - LOGGED_AT_ONCE);
        }
        reasons = Map.copyOf(now);
    }
}
