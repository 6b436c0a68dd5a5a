package io.flannelj.backend.vxlan;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.flannelj.lease.LeaseAttributes;
import io.flannelj.net.IpFamily;
import io.flannelj.net.MacAddress;
import java.util.Optional;

/**
 * What a vxlan lease says beside the address: {@code {"VNI":1,"VtepMAC":"c6:d2:32:6f:8f:44"}}, in this order, as flannel
 * writes it.
 *
 * @param vni 24 bits
 * @param vtepMac MAC address of the node's VTEP
 */
public record VxlanLeaseData(int vni, MacAddress vtepMac) {
    public static final String TYPE = "vxlan";

    JsonNode toJson() {
        return JsonNodeFactory.instance.objectNode().put("VNI", vni).put("VtepMAC", vtepMac.toString());
    }

    /** Reads one family's side of a lease of any backend; empty when it is not a vxlan lease or cannot be read. */
    static Optional<VxlanLeaseData> of(LeaseAttributes attributes, IpFamily family) {
        JsonNode data = attributes.backendData().get(family).orElse(null);
        if (!attributes.backendType().equals(TYPE)
                || data == null
                || !data.path("VtepMAC").isTextual()) {
            return Optional.empty();
        }
        try {
            MacAddress mac = MacAddress.parse(data.path("VtepMAC").textValue());
            return Optional.of(new VxlanLeaseData(data.path("VNI").asInt(1), mac));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }
}
