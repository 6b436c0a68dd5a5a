package io.flannelj.cni.engine;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import io.flannelj.net.IpAddress;
import io.flannelj.net.MacAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The plugin's network configuration: flannel's fields, our {@code bridge}, and of its {@code delegate} object what the
 * bridge plugin would read there. Unknown fields are ignored, as the specification says; known ones whose feature is not
 * built are refused by name.
 *
 * @param name of the network
 * @param subnetFile the daemon's subnet.env
 * @param bridge the bridge that pods are wired into
 * @param isDefaultGateway whether pods get a default route to the bridge
 * @param mtuBytes MTU of pod interfaces; 0 takes subnet.env's
 * @param addressDirectory where address files lie, one folder a network
 * @param rangeStart lowest address to hand out; null for the subnet's own bounds
 * @param rangeEnd highest address to hand out
 * @param requestedAddress address the runtime asks for; null when it leaves the choice
 * @param mac address of the pod's interface; null when the kernel may choose
 * @param prevResult what ADD answered; missing unless the runtime passed it
 * @param validAttachments for GC: what is still alive
 */
record NetConf(
        String cniVersion,
        String name,
        Path subnetFile,
        String bridge,
        boolean isDefaultGateway,
        boolean hairpinMode,
        boolean forceAddress,
        int mtuBytes,
        Path addressDirectory,
        @Nullable IpAddress rangeStart,
        @Nullable IpAddress rangeEnd,
        @Nullable IpAddress requestedAddress,
        @Nullable MacAddress mac,
        JsonNode prevResult,
        List<Attachment> validAttachments) {
    static final List<String> VERSIONS = List.of("0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0");
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Pattern NETWORK_NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9_.-]*");
    private static final String[] NOT_BUILT = {
        "vlan",
        "vlanTrunk",
        "macspoofchk",
        "portIsolation",
        "promiscMode",
        "ipMasq",
        "enabledad",
        "disableContainerInterface"
    };

    /** Reads standard input, and CNI_ARGS for what may come there as well. */
    static NetConf parse(String stdin, String cniArgs) throws CniException {
        JsonNode root;
        try {
            root = JSON.readTree(stdin);
        } catch (JsonProcessingException e) {
            throw new CniException(
                    CniException.NOT_JSON, "the network configuration is not JSON: " + e.getOriginalMessage());
        }
        if (root == null || !root.isObject()) {
            throw new CniException(CniException.NOT_JSON, "the network configuration must be a JSON object");
        }
        String version = root.path("cniVersion").asText("0.1.0");
        if (!VERSIONS.contains(version)) {
            throw new CniException(
                    CniException.INCOMPATIBLE_VERSION,
                    "cniVersion " + version + " is not supported; supported are " + String.join(", ", VERSIONS));
        }
        Fields fields = new Fields(root);
        JsonNode delegate = root.path("delegate");
        JsonNode ipam = root.path("ipam");
        JsonNode runtime = root.path("runtimeConfig");
        fields.unsupported(delegate);
        String name = root.path("name").asText("");
        fields.unless(
                NETWORK_NAME.matcher(name).matches(),
                "name",
                "must hold letters, digits, _ . and -, was \"" + name + "\"");
        String bridge = fields.text("bridge", delegate, "docker0");
        fields.unless(
                bridge.matches("[^/:\\s]{1,15}"), "bridge", "must be the name of an interface, was \"" + bridge + "\"");
        int mtu = delegate.has("mtu")
                ? delegate.path("mtu").asInt(-1)
                : root.path("mtu").asInt(0);
        fields.unless(mtu >= 0 && mtu <= 65_535, "mtu", "must be 0 to 65535");
        NetConf conf = new NetConf(
                version,
                name,
                Path.of(root.path("subnetFile").asText("/run/flannel/subnet.env")),
                bridge,
                fields.flag("isDefaultGateway", delegate, true),
                fields.flag("hairpinMode", delegate, false),
                fields.flag("forceAddress", delegate, false),
                mtu,
                Path.of(ipam.path("dataDir").asText("/var/lib/cni/networks")),
                fields.address("ipam.rangeStart", ipam.path("rangeStart")),
                fields.address("ipam.rangeEnd", ipam.path("rangeEnd")),
                requested(fields, runtime, root.path("args").path("cni"), cniArgs),
                mac(fields, runtime, root.path("args").path("cni"), cniArgs),
                root.path("prevResult").isObject() ? root.path("prevResult") : MissingNode.getInstance(),
                attachments(root.path("cni.dev/valid-attachments")));
        fields.throwIfAny();
        return conf;
    }

    private static @Nullable IpAddress requested(Fields fields, JsonNode runtime, JsonNode args, String cniArgs) {
        String text =
                runtime.path("ips").path(0).asText(args.path("ips").path(0).asText(arg(cniArgs, "IP")));
        String address = text.indexOf('/') < 0 ? text : text.substring(0, text.indexOf('/'));
        return address.isEmpty() ? null : fields.address("the requested address", JSON.valueToTree(address));
    }

    private static @Nullable MacAddress mac(Fields fields, JsonNode runtime, JsonNode args, String cniArgs) {
        String text = runtime.path("mac").asText(args.path("mac").asText(arg(cniArgs, "MAC")));
        try {
            return text.isEmpty() ? null : MacAddress.parse(text);
        } catch (IllegalArgumentException e) {
            fields.unless(false, "mac", "must be a MAC address, was \"" + text + "\"");
            return null;
        }
    }

    /** {@code KEY=value;KEY=value}. */
    private static String arg(String cniArgs, String key) {
        for (String pair : cniArgs.split(";", -1)) {
            if (pair.startsWith(key + "=")) {
                return pair.substring(key.length() + 1);
            }
        }
        return "";
    }

    private static List<Attachment> attachments(JsonNode array) {
        List<Attachment> valid = new ArrayList<>();
        array.forEach(entry -> valid.add(new Attachment(
                entry.path("containerID").asText(), entry.path("ifname").asText(), "")));
        return valid;
    }

    /** Gathers problems, so that all are told at once. */
    private static final class Fields {
        private final JsonNode root;
        private final List<String> problems = new ArrayList<>();
        private final List<String> notBuilt = new ArrayList<>();

        Fields(JsonNode root) {
            this.root = root;
        }

        void unless(boolean good, String field, String message) {
            if (!good) {
                problems.add(field + " " + message);
            }
        }

        String text(String field, JsonNode delegate, String otherwise) {
            return delegate.path(field).asText(root.path(field).asText(otherwise));
        }

        boolean flag(String field, JsonNode delegate, boolean otherwise) {
            return delegate.path(field).asBoolean(root.path(field).asBoolean(otherwise));
        }

        @Nullable
        IpAddress address(String field, JsonNode value) {
            if (value.isMissingNode() || value.isNull()) {
                return null;
            }
            try {
                return IpAddress.parse(value.asText());
            } catch (IllegalArgumentException e) {
                problems.add(field + " must be an IP address, was " + value);
                return null;
            }
        }

        void unsupported(JsonNode delegate) {
            for (JsonNode object : List.of(root, delegate)) {
                for (String field : NOT_BUILT) {
                    if (object.path(field).asBoolean(false)
                            || object.path(field).asInt(0) != 0) {
                        notBuilt.add(field);
                    }
                }
            }
            String type = delegate.path("type").asText("bridge");
            if (!type.equals("bridge")) {
                notBuilt.add("delegate.type \"" + type + "\"");
            }
            String ipam = root.path("ipam").path("type").asText("host-local");
            if (!ipam.equals("host-local")) {
                notBuilt.add("ipam.type \"" + ipam + "\"");
            }
            for (String field : new String[] {"name", "ipam"}) {
                unless(!delegate.has(field), "delegate", "must not contain " + field);
            }
        }

        void throwIfAny() throws CniException {
            if (!problems.isEmpty()) {
                throw new CniException(CniException.BAD_CONFIG, String.join("; ", problems));
            }
            if (!notBuilt.isEmpty()) {
                throw new CniException(
                        CniException.UNSUPPORTED_FIELD,
                        "not built into this version: " + String.join(", ", notBuilt) + "; leave it away");
            }
        }
    }
}
