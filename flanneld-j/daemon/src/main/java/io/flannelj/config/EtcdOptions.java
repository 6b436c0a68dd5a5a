package io.flannelj.config;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * How to reach etcd; empty texts mean "not given".
 *
 * @param endpoints {@code --etcd-endpoints}
 * @param prefix {@code --etcd-prefix}, without a slash at its end
 * @param keyFile {@code --etcd-keyfile}, PEM
 * @param certFile {@code --etcd-certfile}, PEM
 * @param caFile {@code --etcd-cafile}, PEM: whom etcd's certificate must come from; honoured alone as well
 * @param username {@code --etcd-username}
 * @param password {@code --etcd-password}
 */
public record EtcdOptions(
        List<EtcdEndpoint> endpoints,
        String prefix,
        String keyFile,
        String certFile,
        String caFile,
        String username,
        String password)
        implements StoreOptions {
    public EtcdOptions {
        endpoints = List.copyOf(endpoints);
    }

    @Override
    public String toString() {
        return endpoints.stream()
                .map(EtcdEndpoint::toString)
                .collect(Collectors.joining(", ", "etcd at ", "")); // never the password
    }

    /** Checks what was given and notes every problem; the endpoints are separated by commas. */
    public static EtcdOptions of(
            String endpoints,
            String prefix,
            String keyFile,
            String certFile,
            String caFile,
            String username,
            String password,
            Problems problems) {
        boolean tls = !caFile.isEmpty() || !certFile.isEmpty();
        List<EtcdEndpoint> members = new ArrayList<>();
        problems.unless(!endpoints.replace(',', ' ').isBlank(), "--etcd-endpoints", "must name one URL at least");
        Stream.of(endpoints.split(",")).filter(text -> !text.isBlank()).forEach(text -> {
            try {
                members.add(EtcdEndpoint.parse(text.strip(), tls));
            } catch (IllegalArgumentException e) {
                problems.add("--etcd-endpoints", String.valueOf(e.getMessage()));
            }
        });
        problems.unless(certFile.isEmpty() == keyFile.isEmpty(), "--etcd-certfile", "and --etcd-keyfile go together");
        problems.unless(
                username.isEmpty() || !password.isEmpty(), "--etcd-password", "is missing for user " + username);
        String path = prefix.endsWith("/") ? prefix.substring(0, prefix.length() - 1) : prefix;
        problems.unless(path.startsWith("/"), "--etcd-prefix", "must begin with a slash, was \"" + path + "\"");
        return new EtcdOptions(members, path, keyFile, certFile, caFile, username, password);
    }
}
