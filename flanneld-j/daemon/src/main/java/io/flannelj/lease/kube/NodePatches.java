package io.flannelj.lease.kube;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Clock;
import java.time.temporal.ChronoUnit;
import java.util.Map;

/** Strategic merge patches for the status of a node, as flannel sends them: what is not named is left alone. */
final class NodePatches {
    private final Clock clock;

    NodePatches(Clock clock) {
        this.clock = clock;
    }

    String annotations(Map<String, String> annotations) {
        ObjectNode patch = JsonNodeFactory.instance.objectNode();
        ObjectNode there = patch.putObject("metadata").putObject("annotations");
        annotations.forEach(there::put);
        return patch.toString();
    }

    String withoutAnnotation(String key) {
        ObjectNode patch = JsonNodeFactory.instance.objectNode();
        patch.putObject("metadata").putObject("annotations").putNull(key);
        return patch.toString();
    }

    /** The condition that keeps pods off a node is cleared, with flannel's words. */
    String networkIsUp() {
        String now = clock.instant().truncatedTo(ChronoUnit.SECONDS).toString();
        ObjectNode patch = JsonNodeFactory.instance.objectNode();
        patch.putObject("status")
                .putArray("conditions")
                .addObject()
                .put("type", "NetworkUnavailable")
                .put("status", "False")
                .put("lastHeartbeatTime", now)
                .put("lastTransitionTime", now)
                .put("reason", "FlannelIsUp")
                .put("message", "Flannel is running on this node");
        return patch.toString();
    }
}
