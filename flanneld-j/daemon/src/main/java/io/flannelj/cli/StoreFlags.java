package io.flannelj.cli;

import io.flannelj.config.ConfigException;
import io.flannelj.config.EtcdOptions;
import io.flannelj.config.KubeOptions;
import io.flannelj.config.Problems;
import io.flannelj.config.StoreOptions;
import io.flannelj.lease.SubnetManager;
import java.io.IOException;
import java.util.Map;
import picocli.CommandLine.Option;

/** Where leases are kept, under flannel's names: for the daemon, and for commands that go to the store themselves. */
final class StoreFlags {
    private static final String BOOL = "true|false";

    @Option(
            names = "--etcd-endpoints",
            paramLabel = "URLS",
            description = {"etcd, comma-separated", "(${DEFAULT-VALUE})"})
    private String etcdEndpoints = "http://127.0.0.1:4001,http://127.0.0.1:2379";

    @Option(names = "--etcd-prefix", paramLabel = "PATH", description = "prefix of flannel's keys (${DEFAULT-VALUE})")
    private String etcdPrefix = "/coreos.com/network";

    @Option(names = "--etcd-keyfile", paramLabel = "FILE", description = "private key for etcd, PEM")
    private String etcdKeyFile = "";

    @Option(names = "--etcd-certfile", paramLabel = "FILE", description = "client certificate for etcd, PEM")
    private String etcdCertFile = "";

    @Option(names = "--etcd-cafile", paramLabel = "FILE", description = "certificate authority of etcd, PEM")
    private String etcdCaFile = "";

    @Option(names = "--etcd-username", paramLabel = "NAME", description = "user for etcd")
    private String etcdUsername = "";

    @Option(
            names = "--etcd-password",
            paramLabel = "TEXT",
            description = "password of that user; better given in the environment")
    private String etcdPassword = "";

    @Option(
            names = "--kube-subnet-mgr",
            arity = "0..1",
            fallbackValue = "true",
            paramLabel = BOOL,
            description = "take subnets from Kubernetes instead of etcd (${DEFAULT-VALUE})")
    private boolean kubeSubnetManager;

    @Option(
            names = "--kube-api-url",
            paramLabel = "URL",
            description =
                    "the Kubernetes apiserver; without it and --kubeconfig-file, the pod's service account is used")
    private String kubeApiUrl = "";

    @Option(
            names = "--kubeconfig-file",
            paramLabel = "FILE",
            description = "how to reach Kubernetes from outside a pod")
    private String kubeconfigFile = "";

    @Option(
            names = "--kube-annotation-prefix",
            paramLabel = "TEXT",
            description = {"prefix of the node annotations", "(${DEFAULT-VALUE})"})
    private String kubeAnnotationPrefix = "flannel.alpha.coreos.com";

    @Option(
            names = "--net-config-path",
            paramLabel = "FILE",
            description = "the network config, with --kube-subnet-mgr (${DEFAULT-VALUE})")
    private String networkConfigFile = "/etc/kube-flannel/net-conf.json";

    /**
     * Opens the store that the flags name.
     *
     * @throws ConfigException with every problem of the flags
     */
    SubnetManager open(Map<String, String> environment, StoreOpener stores) throws IOException, ConfigException {
        Problems problems = new Problems("the command line");
        StoreOptions options = options(environment, false, problems);
        problems.throwIfAny();
        return stores.open(options);
    }

    /** @param announceReadiness whether this process clears the node's condition NetworkUnavailable once it is ready */
    StoreOptions options(Map<String, String> environment, boolean announceReadiness, Problems problems) {
        return kubeSubnetManager
                ? KubeOptions.of(
                        kubeApiUrl,
                        kubeconfigFile,
                        kubeAnnotationPrefix,
                        networkConfigFile,
                        announceReadiness,
                        environment,
                        problems)
                : EtcdOptions.of(
                        etcdEndpoints,
                        etcdPrefix,
                        etcdKeyFile,
                        etcdCertFile,
                        etcdCaFile,
                        etcdUsername,
                        etcdPassword,
                        problems);
    }
}
