package io.flannelj.main;

import io.flannelj.config.AdminOptions.HttpAddress;
import io.flannelj.config.DaemonOptions;
import io.flannelj.config.EtcdOptions;
import io.flannelj.config.KubeOptions;
import io.flannelj.config.StoreOptions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The first line of the log: which build runs on what, and the settings that matter when somebody reads only the log. */
final class StartLine {
    private StartLine() {}

    /**
     * @param system properties of this Java and its kernel, by the names of {@link System#getProperties}
     */
    static String of(String version, Map<String, String> system, DaemonOptions options) {
        List<String> settings = new ArrayList<>(List.of(store(options.store())));
        if (!options.uplink().interfaces().isEmpty()) {
            settings.add("interface " + String.join(" or ", options.uplink().interfaces()));
        }
        settings.add(options.hostRules().masquerade() ? "masquerading" : "no masquerading");
        if (options.handover().keepOnStop()) {
            settings.add("routes and rules are kept at a stop");
        }
        settings.add("subnet file " + options.paths().subnetFile());
        HttpAddress http = options.admin().healthz();
        settings.add(http.port() == 0 ? "no HTTP" : "HTTP at " + http.ip() + " port " + http.port());
        return "flanneld-j %s on Java %s (%s), Linux %s, %s; %s"
                .formatted(
                        version,
                        system.getOrDefault("java.version", "?"),
                        system.getOrDefault("java.vendor", "?"),
                        system.getOrDefault("os.version", "?"),
                        system.getOrDefault("os.arch", "?"),
                        String.join(", ", settings));
    }

    private static String store(StoreOptions store) {
        if (store instanceof EtcdOptions etcd) {
            return etcd + " below " + etcd.prefix();
        }
        KubeOptions kube = (KubeOptions) store;
        String node = kube.nodeName().isEmpty() ? "of the pod " + kube.podName() : kube.nodeName();
        return "Kubernetes' node " + node + ", network config in " + kube.networkConfigFile();
    }
}
