package io.flannelj.cni.engine;

import com.fasterxml.jackson.databind.JsonNode;
import io.flannelj.net.IpAddress;
import io.flannelj.net.MacAddress;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The bridge plugin's configuration, as our own engine carries it out.
 *
 * @param bridge the bridge that pods are wired into
 * @param isGateway whether the bridge gets the gateway's addresses
 * @param isDefaultGateway whether pods get a default route to it
 * @param forceAddress whether another address of the bridge may be taken away though pods use it
 * @param ipMasq whether what leaves the pod's subnet is masqueraded
 * @param firewall which firewall holds the pod's rules
 * @param mtuBytes MTU of pod interfaces and of a new bridge; 0 leaves the kernel's
 * @param vlan VLAN of the bridge port; 0 is none
 * @param macSpoofCheck whether frames with another source MAC than the pod's own are dropped
 * @param portIsolation whether pods on the bridge cannot see each other
 * @param detectDuplicates whether IPv6 addresses go through duplicate address detection
 * @param mac address of the pod's interface; null when the kernel may choose
 * @param requested addresses that the runtime asks for
 * @param portMappings ports of the node that lead to the pod
 * @param ipam whole {@code ipam} object
 */
record BridgeConf(
        String cniVersion,
        String name,
        String bridge,
        boolean isGateway,
        boolean isDefaultGateway,
        boolean forceAddress,
        boolean hairpinMode,
        boolean promiscMode,
        boolean ipMasq,
        FirewallKind firewall,
        int mtuBytes,
        int vlan,
        boolean keepsDefaultVlan,
        boolean macSpoofCheck,
        boolean portIsolation,
        boolean detectDuplicates,
        @Nullable MacAddress mac,
        List<IpAddress> requested,
        List<PortMapping> portMappings,
        JsonNode ipam) {
    static final String USUAL_BRIDGE = "cni0";

    /** Reads a rendered configuration, and CNI_ARGS for what may come there as well. */
    static BridgeConf parse(JsonNode conf, String cniArgs) throws CniException {
        Json fields = new Json();
        for (String field : new String[] {"vlanTrunk", "disableContainerInterface"}) {
            if (!conf.path(field).isEmpty() || conf.path(field).asBoolean(false)) {
                fields.notBuilt(field, conf.path(field));
            }
        }
        JsonNode runtime = conf.path("runtimeConfig");
        JsonNode args = conf.path("args").path("cni");
        String bridge = conf.path("bridge").asText(USUAL_BRIDGE);
        fields.unless(
                bridge.matches("[^/:%\\s]{1,15}"),
                "bridge",
                "must be the name of an interface, without / : % or blanks, was \"" + bridge + "\"");
        boolean hairpin = fields.flag(conf, "hairpinMode");
        boolean promiscuous = fields.flag(conf, "promiscMode");
        fields.unless(!(hairpin && promiscuous), "hairpinMode and promiscMode", "exclude each other");
        boolean defaultGateway = fields.flag(conf, "isDefaultGateway");
        boolean masquerades = fields.flag(conf, "ipMasq");
        List<PortMapping> portMappings = PortMapping.parse(fields, runtime.path("portMappings"));
        BridgeConf parsed = new BridgeConf(
                conf.path("cniVersion").asText("1.0.0"),
                conf.path("name").asText(),
                bridge,
                fields.flag(conf, "isGateway") || defaultGateway,
                defaultGateway,
                fields.flag(conf, "forceAddress"),
                hairpin,
                promiscuous,
                masquerades,
                FirewallKind.of(conf.path("ipMasqBackend").asText(""), fields, masquerades || !portMappings.isEmpty()),
                fields.number(conf, "mtu", 65_535),
                fields.number(conf, "vlan", 4094),
                conf.path("preserveDefaultVlan").asBoolean(true),
                fields.flag(conf, "macspoofchk"),
                fields.flag(conf, "portIsolation"),
                fields.flag(conf, "enabledad"),
                mac(fields, runtime, args, cniArgs),
                requested(fields, runtime, args, cniArgs),
                portMappings,
                conf.path("ipam"));
        fields.throwIfAny();
        return parsed;
    }

    /** Whether the pod has rules in the firewall. */
    boolean needsFirewall() {
        return ipMasq || macSpoofCheck || !portMappings.isEmpty();
    }

    private static List<IpAddress> requested(Json fields, JsonNode runtime, JsonNode args, String cniArgs) {
        List<String> texts = new ArrayList<>();
        runtime.path("ips").forEach(ip -> texts.add(ip.asText()));
        args.path("ips").forEach(ip -> texts.add(ip.asText()));
        String argument = argument(cniArgs, "IP");
        if (!argument.isEmpty()) {
            texts.addAll(List.of(argument.split(",", -1)));
        }
        List<IpAddress> addresses = new ArrayList<>();
        for (String text : texts) {
            IpAddress address = fields.address("the requested address", text);
            if (address != null && !addresses.contains(address)) {
                addresses.add(address);
            }
        }
        return List.copyOf(addresses);
    }

    private static @Nullable MacAddress mac(Json fields, JsonNode runtime, JsonNode args, String cniArgs) {
        String text = runtime.path("mac").asText(args.path("mac").asText(argument(cniArgs, "MAC")));
        try {
            return text.isEmpty() ? null : MacAddress.parse(text);
        } catch (IllegalArgumentException e) {
            fields.unless(false, "mac", "must be a MAC address, was \"" + text + "\"");
            return null;
        }
    }

    /** {@code KEY=value;KEY=value}. */
    static String argument(String cniArgs, String key) {
        for (String pair : cniArgs.split(";", -1)) {
            if (pair.startsWith(key + "=")) {
                return pair.substring(key.length() + 1);
            }
        }
        return "";
    }
}
