package io.flannelj.cni.engine;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/**
 * What the runtime hands over on standard input: flannel's own fields. Unknown fields are ignored, as the specification
 * says.
 *
 * @param name of the network; empty when DEL is given an impossible one
 * @param type how the plugin is called; {@code flannel} gets flannel's defaults
 * @param subnetFile the daemon's subnet.env
 * @param stateDirectory where each attachment's delegate configuration is kept
 * @param root the whole
 */
record NetConf(String cniVersion, String name, String type, Path subnetFile, Path stateDirectory, ObjectNode root) {
    /** Where flannel's plugin keeps its files, unless {@code dataDir} says otherwise. */
    static final Path STATE_DIRECTORY = Path.of("/var/lib/cni/flannel");

    static final List<String> VERSIONS = List.of("0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0");
    private static final Pattern NETWORK_NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9_.-]*");
    static final String VALID_ATTACHMENTS = "cni.dev/valid-attachments";

    static NetConf parse(String stdin) throws CniException {
        Json fields = new Json();
        NetConf conf = read(stdin, fields);
        fields.throwIfAny();
        return conf;
    }

    /**
     * The same for DEL, as far as it can be understood: what must go was wired with another configuration, or not at all.
     *
     * @throws CniException when it is not JSON, or of a version that is not spoken
     */
    static NetConf parseForDelete(String stdin) throws CniException {
        return read(stdin, new Json());
    }

    private static NetConf read(String stdin, Json fields) throws CniException {
        ObjectNode root = Json.object(stdin, "the network configuration");
        String version = root.path("cniVersion").asText("0.1.0");
        if (!VERSIONS.contains(version)) {
            throw new CniException(
                    CniException.INCOMPATIBLE_VERSION,
                    "cniVersion " + version + " is not supported; supported are " + String.join(", ", VERSIONS));
        }
        String name = root.path("name").asText("");
        boolean wellNamed = NETWORK_NAME.matcher(name).matches();
        fields.unless(wellNamed, "name", "must hold letters, digits, _ . and -, was \"" + name + "\"");
        JsonNode delegate = root.path("delegate");
        fields.unless(
                delegate.isMissingNode() || delegate.isNull() || delegate.isObject(), "delegate", "must be an object");
        for (String field : new String[] {"name", "ipam"}) {
            fields.unless(!delegate.has(field), "delegate", "must not contain " + field);
        }
        fields.unless(!delegate.has("type") || delegate.path("type").isTextual(), "delegate.type", "must be a text");
        return new NetConf(
                version,
                wellNamed ? name : "",
                root.path("type").asText("flannel-j"),
                fields.path(root, "subnetFile", "/run/flannel/subnet.env"),
                fields.path(root, "dataDir", STATE_DIRECTORY.toString()),
                root);
    }

    /** Whether it is called by flannel's name, and so must behave as flannel where the two differ. */
    boolean isFlannel() {
        return type.equals("flannel");
    }

    /** What ADD answered; missing unless the runtime passed it. */
    JsonNode prevResult() {
        return root.path("prevResult");
    }

    /** For GC: what is still alive. */
    List<Attachment> validAttachments() throws CniException {
        JsonNode array = root.path(VALID_ATTACHMENTS);
        if (!array.isArray()) {
            throw new CniException(
                    CniException.BAD_CONFIG,
                    "GC needs " + VALID_ATTACHMENTS + ", a list, which may be empty; without it nothing is collected");
        }
        List<Attachment> valid = new ArrayList<>();
        array.forEach(entry -> valid.add(new Attachment(
                entry.path("containerID").asText(), entry.path("ifname").asText(), "")));
        return valid;
    }
}
