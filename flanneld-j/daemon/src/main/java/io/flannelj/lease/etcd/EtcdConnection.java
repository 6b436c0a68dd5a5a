package io.flannelj.lease.etcd;

import io.etcd.jetcd.ByteSequence;
import io.etcd.jetcd.Client;
import io.etcd.jetcd.ClientBuilder;
import io.flannelj.config.EtcdEndpoint;
import io.flannelj.config.EtcdOptions;
import io.flannelj.lease.StoreException;
import java.io.File;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.stream.Collectors;
import javax.net.ssl.SSLException;

/**
 * The jetcd client in use. One that found nobody makes room for a new one at the next call, unless it is quite new itself:
 * gRPC would wait up to two minutes before it dials again, and certificates may have been renewed meanwhile. Watches of the
 * old client end.
 *
 * <p>For several threads.
 */
final class EtcdConnection implements AutoCloseable {
    /** How long a call may take. */
    static final Duration DEADLINE = Duration.ofSeconds(5);

    private static final Duration KEEPALIVE = Duration.ofSeconds(10);
    private static final Duration DIAL_AGAIN_AFTER = Duration.ofSeconds(3);

    private final EtcdOptions options;
    private final Clock clock;
    private Client client;
    private Instant madeAt;
    private boolean foundNobody;
    private boolean closed;

    EtcdConnection(EtcdOptions options, Clock clock) throws StoreException {
        this.options = options;
        this.clock = clock;
        this.client = build(options);
        this.madeAt = clock.instant();
    }

    synchronized Client client() {
        if (foundNobody && !closed && !clock.instant().isBefore(madeAt.plus(DIAL_AGAIN_AFTER))) {
            dialAgain();
        }
        return client;
    }

    private void dialAgain() {
        Client old = client;
        try {
            client = build(options);
        } catch (StoreException e) {
            return; // certificates are being replaced just now: the old client stays until the next time
        }
        foundNobody = false;
        madeAt = clock.instant();
        old.close();
    }

    /** From now on by a new client; calls of the old one end. */
    synchronized void reconnect() {
        if (!closed) {
            dialAgain();
        }
    }

    /** A call of this client found nobody. */
    synchronized void onUnavailable(Client which) {
        foundNobody |= which == client;
    }

    private static Client build(EtcdOptions options) throws StoreException {
        ClientBuilder builder = Client.builder()
                .target(target(options.endpoints()))
                .waitForReady(false)
                .retryMaxAttempts(1)
                .retryMaxDuration(DEADLINE)
                .connectTimeout(DEADLINE)
                .keepaliveTime(KEEPALIVE)
                .keepaliveTimeout(DEADLINE)
                .keepaliveWithoutCalls(false);
        if (!options.username().isEmpty()) {
            builder.user(bytes(options.username())).password(bytes(options.password()));
        }
        boolean secure = options.endpoints().stream().anyMatch(EtcdEndpoint::tls);
        if (secure) {
            try {
                builder.sslContext(context -> {
                    if (!options.caFile().isEmpty()) {
                        context.trustManager(new File(options.caFile()));
                    }
                    if (!options.certFile().isEmpty() && !options.keyFile().isEmpty()) {
                        context.keyManager(new File(options.certFile()), new File(options.keyFile()));
                    }
                });
            } catch (SSLException | IllegalArgumentException e) {
                throw new StoreException(
                        "the certificates for " + options + " cannot be used: " + e.getMessage()
                                + "; see --etcd-cafile, --etcd-certfile and --etcd-keyfile",
                        e);
            }
        }
        return builder.build();
    }

    /**
     * The name that jetcd's own resolver takes apart again. From plain URLs it makes one that is no URI when there are
     * brackets in it; what is escaped it reads right.
     */
    static String target(List<EtcdEndpoint> endpoints) {
        return endpoints.stream()
                .map(EtcdEndpoint::authority)
                .map(text -> text.replace("%25", "%")
                        .replace("%", "%25")
                        .replace("[", "%5B")
                        .replace("]", "%5D"))
                .distinct()
                .collect(Collectors.joining(",", "ip:///", ""));
    }

    @Override
    public synchronized void close() {
        closed = true;
        client.close();
    }

    static ByteSequence bytes(String text) {
        return ByteSequence.from(text, StandardCharsets.UTF_8);
    }
}
