package io.flannelj.config;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * How to reach Kubernetes, where it gives out the subnets ({@code --kube-subnet-mgr}). Texts are empty where nothing was
 * given.
 *
 * @param apiUrl {@code --kube-api-url}, overrides the server of the kubeconfig
 * @param kubeconfigFile {@code --kubeconfig-file}; without it and {@code apiUrl}, the pod's service account is used
 * @param annotationPrefix {@code --kube-annotation-prefix}
 * @param networkConfigFile {@code --net-config-path}
 * @param announceReadiness {@code --set-node-network-unavailable}: clear the node's condition NetworkUnavailable
 * @param nodeName {@code NODE_NAME}
 * @param podName {@code POD_NAME}, whose node is ours where no node is named
 * @param podNamespace {@code POD_NAMESPACE}
 */
public record KubeOptions(
        String apiUrl,
        @Nullable Path kubeconfigFile,
        AnnotationPrefix annotationPrefix,
        Path networkConfigFile,
        boolean announceReadiness,
        String nodeName,
        String podName,
        String podNamespace) {

    /** What the operator typed, before anybody has looked at it. */
    public record Raw(
            String apiUrl,
            String kubeconfigFile,
            String annotationPrefix,
            String networkConfigFile,
            boolean announceReadiness,
            String nodeName,
            String podName,
            String podNamespace,
            String eventQueueDepth) {}

    /** Checks what was typed; null, with problems noted, when the prefix cannot be used. */
    static @Nullable KubeOptions of(Raw raw, Problems problems) {
        problems.unless(
                raw.apiUrl().isEmpty() || DaemonOptions.isUrl(raw.apiUrl()),
                "--kube-api-url",
                "must look like https://host:6443, was \"" + raw.apiUrl() + "\"");
        problems.unless(
                !raw.nodeName().isEmpty()
                        || !(raw.podName().isEmpty() || raw.podNamespace().isEmpty()),
                "--kube-subnet-mgr",
                "needs to know its node: set the environment variable NODE_NAME, or POD_NAME and POD_NAMESPACE");
        problems.unless(
                raw.eventQueueDepth().matches("[+-]?\\d*"),
                "EVENT_QUEUE_DEPTH",
                "must be a number, was \"" + raw.eventQueueDepth() + "\"");
        try {
            return new KubeOptions(
                    raw.apiUrl(),
                    raw.kubeconfigFile().isEmpty() ? null : Path.of(raw.kubeconfigFile()),
                    AnnotationPrefix.parse(raw.annotationPrefix()),
                    Path.of(raw.networkConfigFile()),
                    raw.announceReadiness(),
                    raw.nodeName(),
                    raw.podName(),
                    raw.podNamespace());
        } catch (IllegalArgumentException e) {
            problems.add("--kube-annotation-prefix", String.valueOf(e.getMessage()));
            return null;
        }
    }
}
