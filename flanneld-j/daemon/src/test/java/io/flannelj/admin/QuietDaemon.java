package io.flannelj.admin;

import io.flannelj.explain.DaemonFacts;
import io.flannelj.explain.PathFacts;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** A daemon that is ready and has nothing to say; tests let it say what they are about. */
class QuietDaemon implements DaemonView {
    @Override
    public StatusDocument status() {
        return new StatusDocument(
                "1",
                "ready",
                true,
                List.of(),
                "",
                "",
                "",
                "",
                "",
                "",
                "",
                0,
                List.of(),
                0,
                List.of(),
                0,
                1,
                new StatusDocument.Store("etcd", true, "", null),
                null);
    }

    @Override
    public List<PeerDocument> peers() {
        return List.of();
    }

    @Override
    public CompletableFuture<List<PathFacts>> examine(String node) {
        return CompletableFuture.completedFuture(List.of());
    }

    @Override
    public DaemonFacts facts() {
        return DaemonFacts.NONE;
    }

    @Override
    public String metrics() {
        return "";
    }
}
