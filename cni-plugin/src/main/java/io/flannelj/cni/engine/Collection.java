package io.flannelj.cni.engine;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flannelj.cni.Invocation;
import io.flannelj.netlink.Link;
import io.flannelj.netlink.Links;
import io.flannelj.netlink.NetlinkSocket;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;

/** GC: everything of this network that belongs to no living attachment goes. What fails is told when all was tried. */
@SuppressWarnings("try") // a lock is held, not used
final class Collection {
    private final Invocation invocation;
    private final NetConf conf;
    private final Delegation delegation;
    private final StateFiles state;
    private final List<String> failures = new ArrayList<>();

    Collection(Invocation invocation, NetConf conf, Supplier<String> daemonState) {
        this.invocation = invocation;
        this.conf = conf;
        this.delegation = new Delegation(invocation, conf, daemonState);
        this.state = new StateFiles(conf.stateDirectory());
    }

    private interface Step {
        void run() throws IOException, CniException;
    }

    void collect(List<Attachment> valid) throws IOException, CniException {
        Set<Path> directories = new HashSet<>();
        ObjectNode current = DelegateConf.render(conf, null);
        directories.add(directory(current));
        for (Attachment attachment : state.list()) {
            ObjectNode kept = state.read(attachment).orElse(null);
            if (kept == null || !kept.path("name").asText().equals(conf.name())) {
                continue; // another network's
            }
            directories.add(directory(kept));
            boolean alive = valid.stream()
                    .anyMatch(other -> other.containerId().equals(attachment.containerId())
                            && other.ifName().equals(attachment.ifName()));
            if (!alive) {
                attempt(() -> forget(attachment, kept));
            }
        }
        attempt(() -> unlink(valid));
        if (isHostLocal(current)) {
            for (Path directory : directories) {
                attempt(() -> new AddressFiles(directory).releaseAllBut(valid));
            }
        } else {
            attempt(() -> new PluginProcess(current.path("ipam").path("type").asText(), invocation)
                    .run("GC", withAttachments(current)));
        }
        if (!Delegation.isBridge(current)) {
            attempt(() -> delegation.process(current).run("GC", withAttachments(current)));
        }
        if (!failures.isEmpty()) {
            throw new CniException(CniException.IO, "not all could be collected: " + String.join("; ", failures));
        }
    }

    private void forget(Attachment attachment, ObjectNode kept) throws IOException, CniException {
        try (AttachmentLock lock = state.lock(attachment)) {
            if (Delegation.isBridge(kept)) {
                delegation.bridge(attachment, kept, "").delete();
            } else {
                delegation.process(kept).about(attachment).run("DEL", kept);
            }
            state.delete(attachment);
        }
    }

    private void unlink(List<Attachment> valid) throws IOException {
        try (NetlinkSocket node = NetlinkSocket.open()) {
            Links links = new Links(node);
            List<String> living = valid.stream()
                    .map(attachment -> PodLink.alias(conf.name(), attachment))
                    .toList();
            for (Map.Entry<String, Link> entry :
                    links.withAlias(PodLink.aliasPrefix(conf.name())).entrySet()) {
                if (!living.contains(entry.getKey())) {
                    links.delete(entry.getValue().index());
                }
            }
        }
    }

    private ObjectNode withAttachments(ObjectNode delegate) {
        ObjectNode copy = delegate.deepCopy();
        copy.set(NetConf.VALID_ATTACHMENTS, conf.root().path(NetConf.VALID_ATTACHMENTS));
        return copy;
    }

    private void attempt(Step step) {
        try {
            step.run();
        } catch (IOException | CniException | RuntimeException e) {
            failures.add(String.valueOf(e.getMessage()));
        }
    }

    private static boolean isHostLocal(JsonNode delegate) {
        return delegate.path("ipam").path("type").asText().equals(HostLocalConf.TYPE);
    }

    private Path directory(JsonNode delegate) {
        return Path.of(delegate.path("ipam").path("dataDir").asText(HostLocalConf.DEFAULT_DIRECTORY))
                .resolve(conf.name());
    }
}
