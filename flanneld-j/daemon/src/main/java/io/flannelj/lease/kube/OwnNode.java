package io.flannelj.lease.kube;

import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.flannelj.config.KubeOptions;
import io.flannelj.lease.StoreException;
import io.flannelj.lease.UnassignedException;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** This node's object in Kubernetes: the only one that is ever written. */
final class OwnNode {
    private static final Logger log = LoggerFactory.getLogger(OwnNode.class);
    private static final Duration RETRY = Duration.ofSeconds(5);

    private final KubeConnection connection;
    private final KubeOptions options;
    private final ScheduledExecutorService timer;
    private volatile String name;

    /**
     * Asks nothing yet.
     *
     * @param timer for what Kubernetes is told again until it takes it
     */
    OwnNode(KubeConnection connection, KubeOptions options, ScheduledExecutorService timer) {
        this.connection = connection;
        this.options = options;
        this.timer = timer;
        this.name = options.nodeName();
    }

    /** Its name; where no flag says it, the pod in which we run does. */
    String name() throws StoreException {
        if (name.isEmpty()) {
            Pod pod = connection.ask(
                    "get pods",
                    client -> client.pods()
                            .inNamespace(options.podNamespace())
                            .withName(options.podName())
                            .get());
            String found =
                    pod == null || pod.getSpec() == null ? null : pod.getSpec().getNodeName();
            if (found == null || found.isEmpty()) {
                throw new UnassignedException("pod " + options.podNamespace() + "/" + options.podName()
                        + " names no node: correct POD_NAME and POD_NAMESPACE, or set NODE_NAME");
            }
            name = found;
        }
        return name;
    }

    Node get() throws StoreException {
        String wanted = name();
        Node node = connection.ask(
                "get nodes", client -> client.nodes().withName(wanted).get());
        if (node == null) {
            throw new UnassignedException("there is no node " + wanted
                    + " in Kubernetes: let its kubelet register it, or" + " correct NODE_NAME");
        }
        return node;
    }

    /**
     * Changes its status and its annotations.
     *
     * @param what we want, e.g. {@code "annotate our node"}
     * @param document of {@link NodePatches}
     */
    void patch(String what, String document) throws StoreException {
        String wanted = name();
        connection.ask(
                what,
                client -> Objects.requireNonNullElse(
                        client.nodes()
                                .withName(wanted)
                                .subresource("status")
                                .patch(PatchContext.of(PatchType.STRATEGIC_MERGE), document),
                        true));
    }

    /**
     * Tells Kubernetes that the network is up, soon, and until it takes it.
     *
     * @param patches where the condition comes from
     */
    void announceReady(NodePatches patches) {
        timer.execute(() -> announce(patches, true));
    }

    private void announce(NodePatches patches, boolean first) {
        try {
            patch("set the condition NetworkUnavailable of our node", patches.networkIsUp());
            log.info("told Kubernetes that the network of node {} is up", name);
        } catch (StoreException e) {
            if (first) {
                log.warn("{}; until then pods may not be scheduled to this node", e.problem());
            }
            timer.schedule(() -> announce(patches, false), RETRY.toMillis(), TimeUnit.MILLISECONDS);
        }
    }
}
