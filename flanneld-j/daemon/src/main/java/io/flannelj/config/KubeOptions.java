package io.flannelj.config;

import java.nio.file.Path;
import java.util.Map;
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
        String podNamespace)
        implements StoreOptions {

    /**
     * Checks what was given and notes every problem.
     *
     * @param environment of the process: {@code NODE_NAME}, {@code POD_NAME}, {@code POD_NAMESPACE}, and flannel's
     *     {@code EVENT_QUEUE_DEPTH}, which is checked and has no effect here
     */
    public static KubeOptions of(
            String apiUrl,
            String kubeconfigFile,
            String annotationPrefix,
            String networkConfigFile,
            boolean announceReadiness,
            Map<String, String> environment,
            Problems problems) {
        String nodeName = environment.getOrDefault("NODE_NAME", "");
        String podName = environment.getOrDefault("POD_NAME", "");
        String podNamespace = environment.getOrDefault("POD_NAMESPACE", "");
        String eventQueueDepth = environment.getOrDefault("EVENT_QUEUE_DEPTH", "");
        problems.unless(
                apiUrl.isEmpty() || Problems.isUrl(apiUrl),
                "--kube-api-url",
                "must look like https://host:6443, without user and password, was \""
                        + apiUrl.replaceFirst("//.*@", "//") + "\"");
        problems.unless(
                !nodeName.isEmpty() || !(podName.isEmpty() || podNamespace.isEmpty()),
                "--kube-subnet-mgr",
                "needs to know its node: set the environment variable NODE_NAME, or POD_NAME and POD_NAMESPACE");
        problems.unless(
                eventQueueDepth.matches("[+-]?\\d*"),
                "EVENT_QUEUE_DEPTH",
                "must be a number, was \"" + eventQueueDepth + "\"");
        return new KubeOptions(
                apiUrl,
                kubeconfigFile.isEmpty() ? null : Path.of(kubeconfigFile),
                annotationPrefix(annotationPrefix, problems),
                Path.of(networkConfigFile),
                announceReadiness,
                nodeName,
                podName,
                podNamespace);
    }

    /** flannel's own, with a problem noted, where {@code text} cannot be one. */
    private static AnnotationPrefix annotationPrefix(String text, Problems problems) {
        try {
            return AnnotationPrefix.parse(text);
        } catch (IllegalArgumentException e) {
            problems.add("--kube-annotation-prefix", String.valueOf(e.getMessage()));
            return AnnotationPrefix.FLANNEL;
        }
    }
}
