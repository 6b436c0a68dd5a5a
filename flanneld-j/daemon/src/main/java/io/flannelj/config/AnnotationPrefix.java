package io.flannelj.config;

import java.util.regex.Pattern;

/**
 * What all of our annotations on a Kubernetes node begin with.
 *
 * @param text ends with a slash or a dash, so that a name can follow
 */
public record AnnotationPrefix(String text) {
    private static final Pattern FORM = Pattern.compile("(?:[a-z0-9_-]+\\.)+[a-z0-9_-]+/(?:[a-z0-9_-]+-)?");

    /** flannel's own. */
    static final AnnotationPrefix FLANNEL = new AnnotationPrefix("flannel.alpha.coreos.com/");

    /**
     * Completes a prefix as flannel does: {@code fqdn} to {@code fqdn/}, and {@code fqdn/name} to {@code fqdn/name-}.
     *
     * @throws IllegalArgumentException when it is neither
     */
    public static AnnotationPrefix parse(String given) {
        String slashed = given.contains("/") ? given : given + "/";
        String complete = slashed.endsWith("/") || slashed.endsWith("-") ? slashed : slashed + "-";
        if (!FORM.matcher(complete).matches()) {
            throw new IllegalArgumentException(
                    "must be a lower-case domain name with two parts or more, and at most one"
                            + " slash with a name behind it, was \"" + given + "\"");
        }
        return new AnnotationPrefix(complete);
    }

    /** The annotation of that name. */
    public String key(String name) {
        return text + name;
    }
}
