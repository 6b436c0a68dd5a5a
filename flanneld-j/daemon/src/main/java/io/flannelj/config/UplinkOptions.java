package io.flannelj.config;

import io.flannelj.net.IpAddress;
import java.util.List;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.jspecify.annotations.Nullable;

/**
 * Which interface leads to the other nodes, and under which addresses they know this one.
 *
 * @param interfaces {@code --iface}, names or addresses, tried in order
 * @param interfacePatterns {@code --iface-regex}, tried in order after them
 * @param canReach {@code --iface-can-reach}: the interface that the kernel would use towards it; null when not given
 * @param publicIp {@code --public-ip}; null when not given
 * @param publicIpv6 {@code --public-ipv6}; null when not given
 */
public record UplinkOptions(
        List<String> interfaces,
        List<String> interfacePatterns,
        @Nullable IpAddress canReach,
        @Nullable IpAddress publicIp,
        @Nullable IpAddress publicIpv6) {
    public UplinkOptions {
        interfaces = List.copyOf(interfaces);
        interfacePatterns = List.copyOf(interfacePatterns);
    }

    /** Checks what was given and notes every problem; empty texts mean "not given". */
    public static UplinkOptions of(
            List<String> interfaces,
            List<String> interfacePatterns,
            String canReach,
            String publicIp,
            String publicIpv6,
            Problems problems) {
        for (String pattern : interfacePatterns) {
            problems.unless(isPattern(pattern), "--iface-regex", "\"" + pattern + "\" is not a regular expression");
        }
        IpAddress ipv4 = problems.address("--public-ip", publicIp);
        problems.unless(ipv4 == null || ipv4.isIpv4(), "--public-ip", "must be an IPv4 address; use --public-ipv6");
        IpAddress ipv6 = problems.address("--public-ipv6", publicIpv6);
        problems.unless(ipv6 == null || ipv6.isIpv6(), "--public-ipv6", "must be an IPv6 address");
        return new UplinkOptions(
                interfaces, interfacePatterns, problems.address("--iface-can-reach", canReach), ipv4, ipv6);
    }

    /** The same, but known to the others by other addresses; null changes nothing. */
    public UplinkOptions withPublicIps(@Nullable IpAddress ipv4, @Nullable IpAddress ipv6) {
        return new UplinkOptions(
                interfaces,
                interfacePatterns,
                canReach,
                ipv4 == null ? publicIp : ipv4,
                ipv6 == null ? publicIpv6 : ipv6);
    }

    private static boolean isPattern(String text) {
        try {
            Pattern.compile(text);
            return true;
        } catch (PatternSyntaxException e) {
            return false;
        }
    }
}
