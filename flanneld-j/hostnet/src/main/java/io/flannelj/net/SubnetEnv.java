package io.flannelj.net;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
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
 * <p>A family that the network does not have is null in both of its fields.
 *
 * @param network the whole IPv4 pod network
 * @param subnet this node's IPv4 subnet, in network form ({@code 10.5.72.0/24}); the file shows the gateway address
 * @param ipv6Network the whole IPv6 pod network
 * @param ipv6Subnet this node's IPv6 subnet, in network form
 * @param mtuBytes MTU of a pod's interface
 * @param ipMasq whether flanneld masquerades traffic that leaves the pod network
 */
public record SubnetEnv(
        @Nullable Cidr network,
        @Nullable Cidr subnet,
        @Nullable Cidr ipv6Network,
        @Nullable Cidr ipv6Subnet,
        int mtuBytes,
        boolean ipMasq) {

    /** Thrown on a file that lacks what every reader needs; the message lists all of it. */
    public static final class MalformedException extends Exception {
        private static final long serialVersionUID = 1;

        MalformedException(String message) {
            super(message);
        }
    }

    /** Replaces {@code file} atomically: a reader sees the old content or the new, also after a crash. */
    public void write(Path file) throws IOException {
        Path directory = Objects.requireNonNull(file.toAbsolutePath().getParent(), "a file lies in a folder");
        if (!Files.isDirectory(directory)) {
            Files.createDirectories(directory);
            Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x")); // others read it
        }
        Path draft = Files.createTempFile(directory, "." + file.getFileName(), "");
        try {
            Files.writeString(draft, text());
            Files.setPosixFilePermissions(draft, PosixFilePermissions.fromString("rw-r--r--"));
            try (FileChannel channel = FileChannel.open(draft, StandardOpenOption.WRITE)) {
                channel.force(true);
            }
            Files.move(draft, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(draft);
        }
    }

    /** The file's content, lines in flannel's order. */
    public String text() {
        StringBuilder text = new StringBuilder();
        line(text, "FLANNEL_NETWORK", network);
        line(text, "FLANNEL_SUBNET", subnet == null ? null : subnet.gateway());
        line(text, "FLANNEL_IPV6_NETWORK", ipv6Network);
        line(text, "FLANNEL_IPV6_SUBNET", ipv6Subnet == null ? null : ipv6Subnet.gateway());
        line(text, "FLANNEL_MTU", mtuBytes);
        line(text, "FLANNEL_IPMASQ", ipMasq);
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
        Cidr network = onlyCidr(values.get("FLANNEL_NETWORK"), false);
        Cidr subnet = onlyCidr(values.get("FLANNEL_SUBNET"), false);
        Cidr ipv6Network = onlyCidr(values.get("FLANNEL_IPV6_NETWORK"), true);
        Cidr ipv6Subnet = onlyCidr(values.get("FLANNEL_IPV6_SUBNET"), true);
        Integer mtu = positive(values.get("FLANNEL_MTU"));
        String ipMasq = values.get("FLANNEL_IPMASQ");

        List<String> missing = new ArrayList<>();
        if (network == null && ipv6Network == null) {
            missing.add("FLANNEL_NETWORK or FLANNEL_IPV6_NETWORK");
        }
        if (subnet == null && ipv6Subnet == null) {
            missing.add("FLANNEL_SUBNET or FLANNEL_IPV6_SUBNET");
        }
        if (mtu == null) {
            missing.add("FLANNEL_MTU");
        }
        if (ipMasq == null) {
            missing.add("FLANNEL_IPMASQ");
        }
        if (mtu == null || !missing.isEmpty()) {
            throw new MalformedException("missing or unreadable: " + String.join(", ", missing));
        }
        return new SubnetEnv(network, subnet, ipv6Network, ipv6Subnet, mtu, "true".equals(ipMasq));
    }

    /** The subnet of an earlier life, from a file that may be absent, old or half written: then nothing. */
    public static Optional<SubnetEnv> readIfUsable(Path file) {
        try {
            return Optional.of(parse(Files.readString(file)));
        } catch (IOException | MalformedException e) {
            return Optional.empty();
        }
    }

    private static void line(StringBuilder text, String key, @Nullable Object value) {
        if (value != null) {
            text.append(key).append('=').append(value).append('\n');
        }
    }

    private static String unquoted(String value) {
        boolean quoted = value.length() >= 2
                && (value.charAt(0) == '"' || value.charAt(0) == '\'')
                && value.charAt(value.length() - 1) == value.charAt(0);
        return quoted ? value.substring(1, value.length() - 1) : value;
    }

    /** flannel allows a comma list, skips what it cannot read, and wants exactly one CIDR to be left. */
    private static @Nullable Cidr onlyCidr(@Nullable String value, boolean ipv6) {
        if (value == null) {
            return null;
        }
        List<Cidr> readable = Arrays.stream(value.split(",", -1))
                .flatMap(entry -> Cidr.tryParse(entry.trim()).stream())
                // A single address has no gateway's beside it, and is neither network nor subnet.
                .filter(cidr ->
                        cidr.isIpv6() == ipv6 && cidr.length() < cidr.address().bits())
                .map(Cidr::network)
                .distinct()
                .toList();
        return readable.size() == 1 ? readable.get(0) : null;
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
