package io.flannelj.cni.engine;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.List;

/**
 * A pod as its ADD left it, for its rules.
 *
 * @param nodeEnd name of the veth pair's end on the bridge
 * @param podMac the pod's own MAC address
 */
record WiredPod(Attachment attachment, BridgeConf conf, List<Ipam.Ip> ips, String nodeEnd, String podMac) {
    /**
     * Reads what ADD kept.
     *
     * @param kept the delegate's configuration, with ADD's result
     * @throws CniException when it is damaged
     */
    static WiredPod of(Attachment attachment, ObjectNode kept) throws CniException {
        JsonNode result = kept.path(Delegation.RESULT);
        JsonNode interfaces = result.path("interfaces");
        String nodeEnd = "";
        String podMac = "";
        for (int i = 0; i < interfaces.size(); i++) {
            JsonNode one = interfaces.path(i);
            if (one.path("name").asText().equals(attachment.ifName()) && one.has("sandbox")) {
                podMac = one.path("mac").asText();
                nodeEnd = interfaces.path(i - 1).path("name").asText(); // the node's end stands before the pod's
            }
        }
        return new WiredPod(
                attachment,
                BridgeConf.parse(kept, ""),
                Ipam.Grant.of(Results.ofInterface(result, attachment.ifName())).ips(),
                nodeEnd,
                podMac);
    }

    /** What the node's end is noted as. */
    String alias() {
        return PodLink.alias(conf.name(), attachment);
    }

    boolean hasAllRules(RuleListing listing) throws IOException {
        return firewall().isComplete(conf, ips, listing);
    }

    /** Removes what is left of them, and adds them all. */
    void restoreRules() throws IOException {
        firewall().delete();
        firewall().add(conf, ips, nodeEnd, podMac);
    }

    private PodFirewall firewall() {
        return PodFirewall.of(conf, attachment);
    }
}
