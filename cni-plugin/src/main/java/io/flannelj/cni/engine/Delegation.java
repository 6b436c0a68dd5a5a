package io.flannelj.cni.engine;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flannelj.cni.Invocation;
import io.flannelj.net.SubnetEnv;
import java.io.IOException;
import java.nio.file.Files;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * ADD, DEL and CHECK as flannel's plugin has them: the network's configuration and this node's subnet make the delegate's
 * configuration; that is kept, and carried out by our own bridge plugin or by another plugin of CNI_PATH.
 */
final class Delegation {
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
        boolean ours = isBridge(delegate);
        BridgePlugin bridge = ours ? bridge(attachment, delegate) : null; // a mistake is told before anything is made
        boolean known = state.exists(attachment);
        state.write(attachment, delegate);
        try {
            return bridge != null
                    ? bridge.add(conf.prevResult())
                    : process(delegate).run("ADD", delegate);
        } catch (IOException | CniException | RuntimeException e) {
            try {
                if (bridge == null) {
                    process(delegate).run("DEL", delegate); // the caller of a plugin that failed cleans up by DEL
                }
                if (!known) {
                    state.delete(attachment); // else it belongs to an ADD that went well
                }
            } catch (IOException | CniException | RuntimeException second) {
                e.addSuppressed(second); // the file stays, for the runtime's DEL
            }
            throw e;
        }
    }

    /** By what ADD kept; by the network's configuration as it is now, where nothing was kept. */
    void delete(Attachment attachment) throws IOException, CniException {
        Optional<ObjectNode> kept = state.read(attachment);
        if (kept.isEmpty() && !isBridge(DelegateConf.render(conf, null))) {
            state.delete(attachment);
            return; // another plugin was never called, or its call is past finding out
        }
        ObjectNode delegate = kept.isPresent() ? kept.get() : DelegateConf.render(conf, null);
        if (isBridge(delegate)) {
            bridge(attachment, delegate).delete();
        } else {
            process(delegate).run("DEL", withPrevResult(delegate));
        }
        state.delete(attachment); // only now: what failed is tried again with the same configuration
    }

    void check(Attachment attachment) throws IOException, CniException {
        Optional<ObjectNode> kept = state.read(attachment);
        ObjectNode delegate =
                kept.isPresent() ? kept.get() : DelegateConf.render(conf, subnetEnv(CniException.CHECK_FAILED));
        if (isBridge(delegate)) {
            bridge(attachment, delegate).check(conf.prevResult());
        } else {
            process(delegate).run("CHECK", withPrevResult(delegate));
        }
    }

    private ObjectNode withPrevResult(ObjectNode delegate) {
        JsonNode result = conf.prevResult();
        return result.isObject() ? delegate.deepCopy().set("prevResult", result) : delegate;
    }

    static boolean isBridge(JsonNode delegate) {
        return delegate.path("type").asText().equals("bridge");
    }

    PluginProcess process(JsonNode delegate) {
        return new PluginProcess(delegate.path("type").asText(), invocation);
    }

    BridgePlugin bridge(Attachment attachment, ObjectNode delegate) throws CniException {
        BridgeConf parsed = BridgeConf.parse(delegate, invocation.variable("CNI_ARGS"));
        return new BridgePlugin(attachment, parsed, ipam(attachment, delegate, parsed), plugging);
    }

    private Ipam ipam(Attachment attachment, ObjectNode delegate, BridgeConf parsed) throws CniException {
        String type = parsed.ipam().path("type").asText();
        if (type.equals("host-local")) {
            return new HostLocal(
                    attachment,
                    HostLocalConf.parse(
                            parsed.name(), parsed.ipam(), delegate.path("runtimeConfig"), parsed.requested()));
        }
        return new IpamPlugin(type, invocation, delegate);
    }

    /** This node's subnet, or the error of that code. */
    SubnetEnv subnetEnv(int code) throws CniException {
        try {
            return SubnetEnv.parse(Files.readString(conf.subnetFile()));
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
