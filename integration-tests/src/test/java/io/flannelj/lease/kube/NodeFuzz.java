package io.flannelj.lease.kube;

import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.NodeBuilder;
import io.flannelj.config.AnnotationPrefix;
import io.flannelj.fuzz.Input;
import io.flannelj.fuzz.Promise;
import io.flannelj.lease.Lease;
import io.flannelj.net.IpFamily;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * A node as Kubernetes tells it: lines of {@code name: value}, of which {@code podCIDR} may come several times and the others are
 * annotations under flannel's prefix. A lease is read, or a NoLeaseException says why not; what is written onto a node is read
 * again as the same.
 */
public final class NodeFuzz {
    private static final AnnotationPrefix PREFIX = AnnotationPrefix.parse("flannel.alpha.coreos.com");
    private static final NodeCodec CODEC = new NodeCodec(PREFIX);

    private NodeFuzz() {}

    /** Called by Jazzer. */
    public static void fuzzerTestOneInput(byte[] data) {
        Map<String, String> annotations = new LinkedHashMap<>();
        List<String> podCidrs = new ArrayList<>();
        new Input(data).text().lines().forEach(line -> {
            int colon = line.indexOf(": ");
            if (colon > 0 && line.startsWith("podCIDR: ")) {
                podCidrs.add(line.substring(colon + 2));
            } else if (colon > 0) {
                annotations.put(PREFIX.key(line.substring(0, colon)), line.substring(colon + 2));
            }
        });
        Node node = node(podCidrs, annotations);
        for (IpFamily family : IpFamily.values()) {
            check(node, podCidrs, Set.of(family));
        }
        check(node, podCidrs, EnumSet.allOf(IpFamily.class));
    }

    private static Node node(List<String> podCidrs, Map<String, String> annotations) {
        return new NodeBuilder()
                .withNewMetadata()
                .withName("node")
                .withAnnotations(annotations)
                .endMetadata()
                .withNewSpec()
                .withPodCIDRs(podCidrs)
                .endSpec()
                .build();
    }

    private static void check(Node node, List<String> podCidrs, Set<IpFamily> families) {
        CODEC.isManaged(node);
        CODEC.notes(node);
        try {
            Lease lease = CODEC.lease(node, families);
            Map<String, String> written = CODEC.annotations(CODEC.overwritten(lease.attributes(), node));
            Lease again = CODEC.lease(node(podCidrs, written), families);
            // What flannel leaves out of the annotations is lost; once it has been, nothing more is.
            Map<String, String> twice = CODEC.annotations(again.attributes());
            Promise.same(
                    twice,
                    CODEC.annotations(
                            CODEC.lease(node(podCidrs, twice), families).attributes()),
                    "read again");
            Promise.same(lease.subnets(), again.subnets(), "subnets read again");
        } catch (NodeCodec.NoLeaseException e) {
            Promise.holds(!Objects.requireNonNullElse(e.getMessage(), "").isEmpty(), "refused without a reason");
        }
    }
}
