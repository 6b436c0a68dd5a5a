package io.flannelj.cni.engine;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flannelj.net.IpAddress;
import io.flannelj.netlink.Link;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A pod that ADD has wired, as it is kept.
 *
 * @param name {@code NAMESPACE/NAME} where the runtime told it, as those of Kubernetes do; else the container's id
 * @param containerId as the runtime names it
 * @param ifName name of the interface inside the pod
 * @param netns where its network namespace can be opened; empty when that was not kept
 * @param bridge that the node's end is on
 * @param nodeEnd name of the node's end of the pair; empty when there is none any more
 * @param addresses that are reserved for it; none where another plugin than ours gave them
 */
public record KnownPod(
        String name,
        String containerId,
        String ifName,
        String netns,
        String bridge,
        String nodeEnd,
        List<IpAddress> addresses) {
    public KnownPod {
        addresses = List.copyOf(addresses);
    }

    /** Whether somebody means this pod by that name: with or without its namespace, or by its container's id. */
    public boolean isCalled(String wanted) {
        return wanted.equals(name) || wanted.equals(containerId) || name.endsWith("/" + wanted);
    }

    /** The directory where pods are kept unless a configuration names another. */
    public static Path usualDirectory() {
        return NetConf.STATE_DIRECTORY;
    }

    /**
     * All that are kept in a directory.
     *
     * @param linksByAlias the node's links by their notes
     */
    public static List<KnownPod> list(Path stateDirectory, Map<String, Link> linksByAlias) throws IOException {
        StateFiles state = new StateFiles(stateDirectory);
        List<KnownPod> pods = new ArrayList<>();
        for (Attachment attachment : state.list()) {
            ObjectNode kept = state.readOwn(attachment).orElse(null);
            if (kept != null) {
                pods.add(of(attachment, kept, linksByAlias));
            }
        }
        return pods;
    }

    private static KnownPod of(Attachment attachment, ObjectNode kept, Map<String, Link> linksByAlias)
            throws IOException {
        String network = kept.path("name").asText();
        Link nodeEnd = linksByAlias.get(PodLink.alias(network, attachment));
        String name = kept.path(PodNote.FIELD).path(PodNote.POD).asText();
        return new KnownPod(
                name.isEmpty() ? attachment.containerId() : name,
                attachment.containerId(),
                attachment.ifName(),
                kept.path(PodNote.FIELD).path(PodNote.NETNS).asText(),
                kept.path("bridge").asText(BridgeConf.USUAL_BRIDGE),
                nodeEnd == null ? "" : nodeEnd.name(),
                addresses(attachment, kept, network));
    }

    private static List<IpAddress> addresses(Attachment attachment, ObjectNode kept, String network)
            throws IOException {
        if (!kept.path("ipam").path("type").asText().equals(HostLocalConf.TYPE)) {
            return List.of();
        }
        String directory = kept.path("ipam").path("dataDir").asText("");
        return new AddressFiles(Path.of(directory.isEmpty() ? HostLocalConf.DEFAULT_DIRECTORY : directory)
                        .resolve(network))
                .held(attachment);
    }
}
