package io.flannelj.config;

import io.flannelj.net.IpAddress;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Where a member of etcd listens, in the forms that flannel takes: {@code http://host:2379}, {@code https://host:2379/},
 * {@code host:2379}, {@code http://[fd00::1]:2379}. A user and a password in it are left out, as flannel leaves them out:
 * etcd does not look for them there.
 *
 * @param host name or address; an IPv6 address without brackets, perhaps with {@code %} and its interface
 * @param port 1 to 65535; 2379 where none is given
 * @param tls whether it is spoken to by TLS
 */
public record EtcdEndpoint(String host, int port, boolean tls) {
    private static final int USUAL_PORT = 2379;
    private static final Pattern FORM = Pattern.compile(
            "(?:([A-Za-z][A-Za-z0-9+.-]*)://)?" // scheme
                    + "(?:[^/?#@]*@)?" // user and password
                    + "(?:\\[([^]/?#@]*)]|([^:/?#@\\[\\]]*))" // host
                    + "(?::([0-9]*))?/*");
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_])?\\.?");
    private static final Pattern ZONE = Pattern.compile("[A-Za-z0-9._-]{1,15}");
    private static final Pattern CREDENTIALS = Pattern.compile("^([A-Za-z][A-Za-z0-9+.-]*://|).*@");

    /**
     * Reads one.
     *
     * @param tlsByDefault whether an endpoint without {@code http://} or {@code https://} is spoken to by TLS
     * @throws IllegalArgumentException naming the text, without a password
     */
    public static EtcdEndpoint parse(String text, boolean tlsByDefault) {
        Matcher form = FORM.matcher(text);
        if (!form.matches()) {
            throw refused(text, "must look like http://host:2379");
        }
        String scheme = form.group(1) == null ? "" : form.group(1).toLowerCase(Locale.ROOT);
        if (!scheme.isEmpty() && !scheme.equals("http") && !scheme.equals("https")) {
            throw refused(text, "must begin with http:// or https://");
        }
        String bracketed = form.group(2);
        String host = bracketed != null ? bracketed : form.group(3);
        if (bracketed != null ? !isIpv6(bracketed) : !isName(host)) {
            throw refused(text, bracketed != null ? "has no IPv6 address between its brackets" : "names no host");
        }
        return new EtcdEndpoint(
                host, port(text, form.group(4)), scheme.isEmpty() ? tlsByDefault : scheme.equals("https"));
    }

    private static int port(String text, String digits) {
        if (digits == null) {
            return USUAL_PORT;
        }
        int port = digits.isEmpty() || digits.length() > 5 ? 0 : Integer.parseInt(digits);
        if (port < 1 || port > 65_535) {
            throw refused(text, "must have a port from 1 to 65535");
        }
        return port;
    }

    private static boolean isIpv6(String text) {
        int percent = text.indexOf('%');
        String address = percent < 0 ? text : text.substring(0, percent);
        String zone = percent < 0 ? "" : text.substring(text.startsWith("%25", percent) ? percent + 3 : percent + 1);
        try {
            return IpAddress.parse(address).isIpv6()
                    && (percent < 0 || ZONE.matcher(zone).matches());
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    /** A name, or an IPv4 address; what consists of digits and dots must be one. */
    private static boolean isName(String text) {
        if (text.isEmpty() || text.length() > 253 || !NAME.matcher(text).matches()) {
            return false;
        }
        if (!text.matches("[0-9.]+")) {
            return !text.contains("..");
        }
        try {
            return IpAddress.parse(text).isIpv4();
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    private static IllegalArgumentException refused(String text, String why) {
        return new IllegalArgumentException("\"" + CREDENTIALS.matcher(text).replaceAll("$1") + "\" " + why);
    }

    /** Host and port as they stand in a URL. */
    public String authority() {
        return (host.indexOf(':') < 0 ? host : "[" + host + "]") + ":" + port;
    }

    @Override
    public String toString() {
        return (tls ? "https://" : "http://") + authority();
    }
}
