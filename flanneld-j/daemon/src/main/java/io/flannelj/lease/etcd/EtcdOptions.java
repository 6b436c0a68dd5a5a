package io.flannelj.lease.etcd;

import java.util.List;

/**
 * How to reach etcd; empty texts mean "not given".
 *
 * @param endpoints URLs, {@code http://} or {@code https://}
 * @param prefix under which flannel's keys stand, without a slash at its end
 * @param keyFile private key of a client certificate, PEM
 * @param certFile client certificate, PEM
 * @param caFile certificate authority that etcd's certificate must come from, PEM; honoured alone as well
 */
public record EtcdOptions(
        List<String> endpoints,
        String prefix,
        String keyFile,
        String certFile,
        String caFile,
        String username,
        String password) {
    public EtcdOptions {
        endpoints = List.copyOf(endpoints);
    }

    @Override
    public String toString() {
        return "etcd at " + String.join(", ", endpoints); // never the password
    }
}
