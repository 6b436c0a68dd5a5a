package io.flannelj.net;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The file by which the daemon tells the CNI plugin, Docker and its own next start what this node leased:
 * {@code /run/flannel/subnet.env}, in flannel's format. One writer, one parser.
 *
 * @param networks the whole pod network, of each family that it has
 * @param subnets this node's part of it, in network form ({@code 10.5.72.0/24}); the file shows the gateway address
 * @param mtuBytes MTU of a pod's interface
 * @param ipMasq whether flanneld masquerades traffic that leaves the pod network
 */
public record SubnetEnv(PerFamily<Cidr> networks, PerFamily<Cidr> subnets, int mtuBytes, boolean ipMasq) {
    private static final String MTU = "FLANNEL_MTU";
    private static final String IP_MASQ = "FLANNEL_IPMASQ";

    /** Thrown on a file that lacks what every reader needs; the message lists all of it. */
    public static final class MalformedException extends Exception {
        private static final long serialVersionUID = 1;

        MalformedException(String message) {
            super(message);
        }
    }

    /** Replaces the file; see {@link WholeFile}. Its folder is made where it is missing, for others to read. */
    public void write(Path file) throws IOException {
        Path directory = Objects.requireNonNull(file.toAbsolutePath().getParent(), "a file lies in a folder");
        if (!Files.isDirectory(directory)) {
            Files.createDirectories(directory);
            Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
        }
        WholeFile.writeForAll(file, text());
    }

    /** The file's content, lines in flannel's order. */
    public String text() {
        StringBuilder text = new StringBuilder();
        for (IpFamily family : IpFamily.values()) {
            networks.get(family).ifPresent(network -> line(text, key(family, "NETWORK"), network));
            subnets.get(family).ifPresent(subnet -> line(text, key(family, "SUBNET"), subnet.gateway()));
        }
        line(text, MTU, mtuBytes);
        line(text, IP_MASQ, ipMasq);
        return text.toString();
    }

    /**
     * Reads what {@link #write} or flannel wrote.
     *
     * @throws MalformedException when a network, a subnet, the MTU or the masquerade flag is missing or unreadable
     */
    public static SubnetEnv parse(String text) throws MalformedException {
        Map<String, String> values = new LinkedHashMap<>();
        for (String line : text.lines().toList()) {
            int equals = line.indexOf('=');
            if (equals > 0 && !line.startsWith("#")) {
                values.put(
                        line.substring(0, equals).trim(),
                        unquoted(line.substring(equals + 1).trim()));
            }
        }
        PerFamily<Cidr> networks = PerFamily.of(family -> onlyCidr(values.get(key(family, "NETWORK")), family));
        PerFamily<Cidr> subnets = PerFamily.of(family -> onlyCidr(values.get(key(family, "SUBNET")), family));
        Integer mtu = positive(values.get(MTU));
        String ipMasq = values.get(IP_MASQ);

        List<String> missing = new ArrayList<>();
        if (networks.isEmpty()) {
            missing.add("FLANNEL_NETWORK or FLANNEL_IPV6_NETWORK");
        }
        if (subnets.isEmpty()) {
            missing.add("FLANNEL_SUBNET or FLANNEL_IPV6_SUBNET");
        }
        if (mtu == null) {
            missing.add(MTU);
        }
        if (ipMasq == null) {
            missing.add(IP_MASQ);
        }
        if (mtu == null || !missing.isEmpty()) {
            throw new MalformedException("missing or unreadable: " + String.join(", ", missing));
        }
        return new SubnetEnv(networks, subnets, mtu, "true".equals(ipMasq));
    }

    /** The subnet of the previous run, from a file that may be absent, old or half written: then nothing. */
    public static Optional<SubnetEnv> readIfUsable(Path file) {
        try {
            return Optional.of(parse(WholeFile.read(file)));
        } catch (IOException | MalformedException e) {
            return Optional.empty();
        }
    }

    private static String key(IpFamily family, String name) {
        return (family == IpFamily.IPV4 ? "FLANNEL_" : "FLANNEL_IPV6_") + name;
    }

    private static void line(StringBuilder text, String key, Object value) {
        text.append(key).append('=').append(value).append('\n');
    }

    private static String unquoted(String value) {
        boolean quoted = value.length() >= 2
                && (value.charAt(0) == '"' || value.charAt(0) == '\'')
                && value.charAt(value.length() - 1) == value.charAt(0);
        return quoted ? value.substring(1, value.length() - 1) : value;
    }

    /** flannel allows a comma list, skips what it cannot read, and wants exactly one CIDR to be left. */
    private static Optional<Cidr> onlyCidr(@Nullable String value, IpFamily family) {
        if (value == null) {
            return Optional.empty();
        }
        List<Cidr> readable = Arrays.stream(value.split(",", -1))
                .flatMap(entry -> Cidr.tryParse(entry.trim()).stream())
                // A single address has no gateway's beside it, and is neither network nor subnet.
                .filter(cidr ->
                        cidr.family() == family && cidr.length() < cidr.family().bits())
                .map(Cidr::network)
                .distinct()
                .toList();
        return readable.size() == 1 ? Optional.of(readable.get(0)) : Optional.empty();
    }

    private static @Nullable Integer positive(@Nullable String value) {
        try {
            Integer number = value == null ? null : Integer.valueOf(value);
            return number == null || number <= 0 ? null : number;
        } catch (NumberFormatException e) {
            return null;
        }
    }
}
