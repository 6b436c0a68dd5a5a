package io.flannelj.admin;

import java.util.List;

/** What the servers may ask the daemon. Every method may be called from any thread, and answers at once. */
public interface DaemonView {
    StatusDocument status();

    List<PeerDocument> peers();

    /** Prometheus text format. */
    String metrics();
}
