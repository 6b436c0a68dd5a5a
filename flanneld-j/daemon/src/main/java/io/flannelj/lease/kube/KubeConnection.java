package io.flannelj.lease.kube;

import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.jdkhttp.JdkHttpClientFactory;
import io.flannelj.config.ConfigException;
import io.flannelj.config.KubeOptions;
import io.flannelj.lease.DeniedException;
import io.flannelj.lease.StoreException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ConnectException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The way to the apiserver. The client tries nothing again by itself: every call ends within a bounded time, and whoever
 * asked is told what happened.
 */
final class KubeConnection implements AutoCloseable {
    private static final Path SERVICE_ACCOUNT = Path.of("/var/run/secrets/kubernetes.io/serviceaccount");
    private static final int CONNECT_MILLIS = 5_000;
    private static final int REQUEST_MILLIS = 10_000;

    private final Config config;
    private final String location;
    private volatile KubernetesClient client;
    private boolean closed;

    private KubeConnection(Config config) {
        this.config = config;
        this.client = client(config);
        this.location = "the Kubernetes apiserver at "
                + withoutPassword(client.getMasterUrl().toString()).replaceFirst("/$", "");
    }

    /**
     * Makes a client. Nothing is sent yet.
     *
     * @param environment of the process, where a pod finds its apiserver
     * @throws ConfigException when it is not said where the apiserver is, or the kubeconfig cannot be read
     */
    static KubeConnection open(KubeOptions options, Map<String, String> environment) throws ConfigException {
        Config config = new ConfigBuilder(config(options, environment))
                .withAutoConfigure(false)
                .withConnectionTimeout(CONNECT_MILLIS)
                .withRequestTimeout(REQUEST_MILLIS)
                .withRequestRetryBackoffLimit(0)
                .withWatchReconnectLimit(0)
                .build();
        try {
            return new KubeConnection(config);
        } catch (RuntimeException e) { // a certificate or an address that the client cannot use
            throw new ConfigException(
                    "the way to the Kubernetes apiserver",
                    List.of(source(options) + ": cannot be used: " + withoutPassword(firstLine(e))));
        }
    }

    /** A kubeconfig may name a user and a password in its server's URL. */
    private static String withoutPassword(String text) {
        return text.replaceAll("//\\S*@", "//");
    }

    /** What said where the apiserver is. */
    private static String source(KubeOptions options) {
        if (options.kubeconfigFile() != null) {
            return "--kubeconfig-file";
        }
        return options.apiUrl().isEmpty() ? "KUBERNETES_SERVICE_HOST" : "--kube-api-url";
    }

    private static Config config(KubeOptions options, Map<String, String> environment) throws ConfigException {
        Path kubeconfig = options.kubeconfigFile();
        if (kubeconfig != null) {
            return fromKubeconfig(kubeconfig, options.apiUrl());
        }
        if (!options.apiUrl().isEmpty()) {
            return new ConfigBuilder(Config.empty())
                    .withMasterUrl(options.apiUrl())
                    .build();
        }
        String host = environment.getOrDefault("KUBERNETES_SERVICE_HOST", "");
        if (host.isEmpty()) {
            throw new ConfigException(
                    "the command line",
                    List.of("--kube-subnet-mgr: this is no Kubernetes pod (KUBERNETES_SERVICE_HOST is not set);"
                            + " give --kubeconfig-file or --kube-api-url"));
        }
        String port = environment.getOrDefault("KUBERNETES_SERVICE_PORT", "443");
        return new ConfigBuilder(Config.empty())
                .withMasterUrl("https://" + (host.contains(":") ? "[" + host + "]" : host) + ":" + port)
                .withCaCertFile(SERVICE_ACCOUNT.resolve("ca.crt").toString())
                .withOauthTokenProvider(() -> token(SERVICE_ACCOUNT.resolve("token")))
                .build();
    }

    private static Config fromKubeconfig(Path file, String apiUrl) throws ConfigException {
        if (!Files.isReadable(file)) {
            throw new ConfigException("the command line", List.of("--kubeconfig-file: cannot read " + file));
        }
        try {
            ConfigBuilder builder = new ConfigBuilder(Config.fromKubeconfig(file.toFile()));
            return (apiUrl.isEmpty() ? builder : builder.withMasterUrl(apiUrl)).build();
        } catch (RuntimeException e) {
            throw new ConfigException(
                    "the command line", List.of("--kubeconfig-file: " + file + " is no kubeconfig: " + e.getMessage()));
        }
    }

    /** Kubernetes replaces the token's file within the hour, so it is read for every call. */
    private static String token(Path file) {
        try {
            return Files.readString(file).strip();
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read the service account's token " + file, e);
        }
    }

    private static KubernetesClient client(Config config) {
        return new KubernetesClientBuilder()
                .withConfig(config)
                .withHttpClientFactory(new JdkHttpClientFactory())
                .build();
    }

    KubernetesClient client() {
        return client;
    }

    /**
     * Calls the apiserver.
     *
     * @param what we want, e.g. {@code "list nodes"}
     * @throws StoreException with the remedy
     */
    <T extends @Nullable Object> T ask(String what, Function<KubernetesClient, T> call) throws StoreException {
        try {
            return call.apply(client);
        } catch (RuntimeException e) {
            throw problem(what, e);
        }
    }

    /** From now on by a new client; calls of the old one end. */
    synchronized void reconnect() {
        if (!closed) {
            KubernetesClient old = client;
            client = client(config);
            old.close();
        }
    }

    String location() {
        return location;
    }

    /**
     * What went wrong, with the remedy.
     *
     * @param what we wanted, e.g. {@code "list nodes"}
     */
    StoreException problem(String what, RuntimeException failure) {
        int code = failure instanceof KubernetesClientException refusal ? refusal.getCode() : 0;
        if (code <= 0) { // no answer
            return new StoreException(location + " is not reachable: " + reason(failure), failure);
        }
        return switch (code) {
            case 401 ->
                new DeniedException(
                        location
                                + " does not accept our credentials (401): check the service account or the kubeconfig's"
                                + " user",
                        failure);
            case 403 ->
                new DeniedException(
                        location + " forbids us to " + what + " (403): give our account the cluster role of"
                                + " deploy/kubernetes/flanneld-j.yml (nodes: get, list, watch; nodes/status: patch;"
                                + " pods: get)",
                        failure);
            default ->
                new StoreException(location + " did not " + what + " (" + code + "): " + firstLine(failure), failure);
        };
    }

    /** The deepest cause that says something; the JDK's client does not say why it got no connection. */
    private static String reason(Throwable failure) {
        String reason = "";
        @Nullable Throwable cause = failure;
        while (cause != null) {
            if (cause instanceof ConnectException) {
                reason = "no connection";
            } else if (!firstLine(cause).isEmpty()) {
                reason = firstLine(cause);
            }
            cause = cause.getCause();
        }
        return reason;
    }

    private static String firstLine(Throwable failure) {
        String message = failure.getMessage();
        return message == null ? "" : message.lines().findFirst().orElse("");
    }

    @Override
    public synchronized void close() {
        closed = true;
        client.close();
    }
}
