package io.flannelj.lease;

import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** flannel's keys: {@code 10.5.52.0-24}, or {@code 10.12.13.0-24&fd00:12:13::-56} for both families. */
public final class SubnetKey {
    private static final Pattern FORM =
            Pattern.compile("(\\d+\\.\\d+\\.\\d+\\.\\d+)-(\\d+)(?:&([a-f0-9:]+)-(\\d+))?\\z");

    private SubnetKey() {}

    /** The last part of the key. */
    public static String format(PodSubnets subnets) {
        if (subnets.get(IpFamily.IPV4).isEmpty()) {
            throw new IllegalArgumentException("flannel's key format cannot express IPv6 alone: " + subnets);
        }
        return subnets.all().stream().map(SubnetKey::text).collect(Collectors.joining("&"));
    }

    /** Reads the end of a key; empty when it is none of ours. */
    public static Optional<PodSubnets> parse(String key) {
        Matcher matcher = FORM.matcher(key);
        if (!matcher.find()) {
            return Optional.empty();
        }
        Cidr ipv4 = cidr(matcher.group(1), matcher.group(2), 31);
        if (ipv4 == null) {
            return Optional.empty();
        }
        if (matcher.group(3) == null) {
            return Optional.of(PodSubnets.of(ipv4));
        }
        Cidr ipv6 = cidr(matcher.group(3), matcher.group(4), 127);
        return ipv6 == null ? Optional.empty() : Optional.of(PodSubnets.of(ipv4, ipv6));
    }

    private static String text(Cidr cidr) {
        return cidr.address() + "-" + cidr.length();
    }

    private static @Nullable Cidr cidr(String address, String length, int longest) {
        try {
            int bits = Integer.parseInt(length);
            return bits > longest ? null : new Cidr(IpAddress.parse(address), bits).network();
        } catch (IllegalArgumentException e) {
            return null;
        }
    }
}
