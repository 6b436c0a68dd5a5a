package io.flannelj.cni.engine;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flannelj.cni.Invocation;
import io.flannelj.net.SubnetEnv;
import io.flannelj.net.WholeFile;
import java.io.IOException;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * ADD, DEL and CHECK as flannel's plugin has them: the network's configuration and this node's subnet make the delegate's
 * configuration; that is kept, and carried out by our own bridge plugin or by another plugin of CNI_PATH.
 */
@SuppressWarnings("try") // a lock is held, not used
final class Delegation {
    /** Where the file of an attachment whose pod has rules holds the result of its ADD. */
    static final String RESULT = "prevResult";

    private final Supplier<String> daemonState;
    private final Invocation invocation;
    private final NetConf conf;
    private final StateFiles state;
    private final BridgePlugin.Plugging plugging;

    /**
     * @param daemonState why the node has no subnet yet, should that turn out so
     */
    Delegation(Invocation invocation, NetConf conf, Supplier<String> daemonState) {
        this(invocation, conf, daemonState, Bridge::plug);
    }

    Delegation(Invocation invocation, NetConf conf, Supplier<String> daemonState, BridgePlugin.Plugging plugging) {
        this.plugging = plugging;
        this.daemonState = daemonState;
        this.invocation = invocation;
        this.conf = conf;
        this.state = new StateFiles(conf.stateDirectory());
    }

    String add(Attachment attachment) throws IOException, CniException {
        ObjectNode delegate = DelegateConf.render(conf, subnetEnv(CniException.TRY_AGAIN_LATER));
        // A mistake is told before anything is made.
        BridgePlugin bridge = isBridge(delegate) ? bridge(attachment, delegate, invocation.variable("CNI_ARGS")) : null;
        requirePlugins(delegate);
        try (AttachmentLock lock = state.lock(attachment)) {
            return add(attachment, delegate, bridge);
        }
    }

    private String add(Attachment attachment, ObjectNode delegate, @Nullable BridgePlugin bridge)
            throws IOException, CniException {
        boolean known = state.read(attachment).isPresent(); // an ADD went well before: what it made stays
        Optional<ObjectNode> before = state.readOwn(attachment);
        ObjectNode kept = bridge != null ? PodNote.addTo(delegate, attachment, invocation) : delegate;
        state.write(attachment, kept);
        try {
            return bridge != null
                    ? add(attachment, kept, bridge, conf.prevResult())
                    : process(delegate).run("ADD", delegate);
        } catch (IOException | CniException | RuntimeException e) {
            try {
                if (bridge == null && !known) {
                    process(delegate).run("DEL", delegate); // the caller of a plugin that failed cleans up by DEL
                }
                state.restore(attachment, before);
            } catch (IOException | CniException | RuntimeException second) {
                e.addSuppressed(second); // the file stays, for the runtime's DEL
            }
            throw e;
        }
    }

    /** Keeps the result where rules may have to be restored from it. */
    private String add(Attachment attachment, ObjectNode kept, BridgePlugin bridge, JsonNode previous)
            throws IOException, CniException {
        String result = bridge.add(previous);
        if (bridge.hasRules()) {
            try {
                state.write(attachment, kept.deepCopy().set(RESULT, Json.object(result, "the result")));
            } catch (IOException | RuntimeException e) {
                bridge.delete();
                throw e;
            }
        }
        return result;
    }

    /** By what ADD kept; as far as it goes, where nothing was kept. */
    void delete(Attachment attachment) throws IOException, CniException {
        if (!state.areThere()) {
            deleteUnknown(attachment);
            return;
        }
        try (AttachmentLock lock = state.lock(attachment)) {
            Optional<ObjectNode> kept = state.read(attachment);
            if (kept.isEmpty()) {
                deleteUnknown(attachment);
            } else if (isBridge(kept.get())) {
                bridge(attachment, kept.get(), "").delete();
            } else {
                process(kept.get()).run("DEL", withPrevResult(kept.get()));
            }
            state.delete(attachment); // only now: what failed is tried again with the same configuration
        }
    }

    /**
     * ADD failed and took back what it had made, or what it kept is lost. What can be ours goes; whether the configuration could be
     * carried out does not matter, and other plugins were never called, or their call is past finding out.
     */
    private void deleteUnknown(Attachment attachment) throws IOException, CniException {
        ObjectNode delegate = DelegateConf.render(conf, null);
        if (conf.name().isEmpty() || !isBridge(delegate)) {
            return;
        }
        try {
            bridge(attachment, delegate, "").delete();
        } catch (CniException e) {
            bridge(attachment, DelegateConf.least(conf), "").delete();
        }
    }

    private void requirePlugins(ObjectNode delegate) throws CniException {
        String ipam = delegate.path("ipam").path("type").asText();
        if (!isBridge(delegate)) {
            process(delegate).requireInstalled();
        } else if (!ipam.equals(HostLocalConf.TYPE)) {
            new PluginProcess(ipam, invocation).requireInstalled();
        }
    }

    void check(Attachment attachment) throws IOException, CniException {
        if (!state.areThere()) {
            checkLocked(attachment);
            return;
        }
        try (AttachmentLock lock = state.lock(attachment)) {
            checkLocked(attachment);
        }
    }

    private void checkLocked(Attachment attachment) throws IOException, CniException {
        Optional<ObjectNode> kept = state.read(attachment);
        ObjectNode delegate =
                kept.isPresent() ? kept.get() : DelegateConf.render(conf, subnetEnv(CniException.CHECK_FAILED));
        if (isBridge(delegate)) {
            bridge(attachment, delegate, invocation.variable("CNI_ARGS")).check(conf.prevResult());
        } else {
            process(delegate).run("CHECK", withPrevResult(delegate));
        }
    }

    private ObjectNode withPrevResult(ObjectNode delegate) {
        JsonNode result = conf.prevResult();
        return result.isObject() ? delegate.deepCopy().set(RESULT, result) : delegate;
    }

    static boolean isBridge(JsonNode delegate) {
        return delegate.path("type").asText().equals("bridge");
    }

    PluginProcess process(JsonNode delegate) {
        return new PluginProcess(delegate.path("type").asText(), invocation);
    }

    BridgePlugin bridge(Attachment attachment, ObjectNode delegate, String cniArgs) throws CniException {
        BridgeConf parsed = BridgeConf.parse(delegate, cniArgs);
        return new BridgePlugin(attachment, parsed, ipam(attachment, delegate, parsed), plugging);
    }

    private Ipam ipam(Attachment attachment, ObjectNode delegate, BridgeConf parsed) throws CniException {
        String type = parsed.ipam().path("type").asText();
        if (type.equals(HostLocalConf.TYPE)) {
            return new HostLocal(
                    attachment,
                    HostLocalConf.parse(
                            parsed.name(), parsed.ipam(), delegate.path("runtimeConfig"), parsed.requested()));
        }
        return new IpamPlugin(new PluginProcess(type, invocation).about(attachment), delegate);
    }

    /** This node's subnet, or the error of that code. */
    SubnetEnv subnetEnv(int code) throws CniException {
        try {
            return SubnetEnv.parse(WholeFile.read(conf.subnetFile()));
        } catch (IOException e) {
            throw new CniException(
                    code,
                    "this node has no subnet yet (" + conf.subnetFile() + " cannot be read): " + daemonState.get()
                            + "; see `flanneld-j status`",
                    e);
        } catch (SubnetEnv.MalformedException e) {
            throw new CniException(code, conf.subnetFile() + " is not usable: " + e.getMessage(), e);
        }
    }
}
