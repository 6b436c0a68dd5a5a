package io.flannelj.main;

import io.flannelj.backend.Backend;
import io.flannelj.config.NetworkConfig;
import io.flannelj.lease.Lease;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What a session shows of itself, and what is wrong though it runs. Any thread may read; the control thread alone writes. */
final class SessionReport {
    private static final Logger log = LoggerFactory.getLogger(SessionReport.class);

    private final NodeState state;
    private final Backend backend;
    private final Troubles troubles = new Troubles();
    private volatile SessionStatus status;

    /** Shows nothing before {@link #publish}. */
    SessionReport(NodeState state, NetworkConfig config, Lease own, Backend backend) {
        this.state = state;
        this.backend = backend;
        this.status = new SessionStatus(config, own, backend, List.of(), false, "");
    }

    SessionStatus status() {
        return status;
    }

    void publish() {
        state.session = status;
    }

    /** The session is over. */
    void withdraw() {
        state.session = null;
    }

    void showConfig(NetworkConfig config) {
        show(config, status.own(), status.peers(), status.fenced());
    }

    void showOwn(Lease own) {
        show(status.config(), own, status.peers(), status.fenced());
    }

    void showPeers(List<Lease> peers) {
        show(status.config(), status.own(), peers, status.fenced());
    }

    void showFenced(boolean fenced) {
        show(status.config(), status.own(), status.peers(), fenced);
    }

    /** From now on this is wrong, human-readable; empty for nothing. Shown with what is shown next. */
    void setTrouble(Troubles.Topic topic, String text) {
        troubles.set(topic, text);
    }

    /** The same, and it is shown now. */
    void showTrouble(Troubles.Topic topic, String text) {
        troubles.set(topic, text);
        show(status.config(), status.own(), status.peers(), status.fenced());
    }

    private void show(NetworkConfig config, Lease own, List<Lease> peers, boolean fenced) {
        String trouble = troubles.text();
        if (!trouble.isEmpty() && !trouble.equals(status.trouble())) {
            log.warn("{}", trouble);
        }
        status = new SessionStatus(config, own, backend, peers, fenced, trouble);
        publish();
    }
}
