package io.flannelj.main;

import io.flannelj.backend.Backend;
import io.flannelj.backend.BackendContext;
import io.flannelj.config.DaemonOptions;
import io.flannelj.probe.PathExaminer;
import io.flannelj.probe.loop.Prober;
import java.security.SecureRandom;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The probes of the paths to all peers; none where a flag turns them off, or another program brings the routes. */
final class SessionProbes implements AutoCloseable {
    private final NodeState state;
    private final Backend backend;
    private final @Nullable Prober prober;

    SessionProbes(DaemonOptions options, BackendContext context, NodeState state, Backend backend) {
        this.state = state;
        this.backend = backend;
        this.prober = options.datapath().peerProbes() && !backend.deviceNames().isEmpty()
                ? new Prober(
                        context.clock(),
                        new SecureRandom(),
                        state.paths,
                        options.datapath().clampMss())
                : null;
    }

    /** From now on commands can ask for a path to be examined. */
    void publish() {
        state.examiner = prober == null ? PathExaminer.NONE : prober;
    }

    /** Probes the paths that the backend has now; none while our lease is fenced. Control thread only. */
    void follow(boolean fenced) {
        if (prober == null) {
            return;
        }
        if (fenced) {
            prober.follow(List.of(), List.of());
        } else {
            prober.follow(backend.testedPaths(), backend.kernelPaths());
        }
    }

    @Override
    public void close() {
        state.examiner = PathExaminer.NONE;
        if (prober != null) {
            prober.close();
        }
    }
}
