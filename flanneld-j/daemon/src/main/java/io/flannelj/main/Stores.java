package io.flannelj.main;

import io.flannelj.config.ConfigException;
import io.flannelj.config.DaemonOptions;
import io.flannelj.config.KubeOptions;
import io.flannelj.lease.SubnetManager;
import io.flannelj.lease.etcd.EtcdOptions;
import io.flannelj.lease.etcd.EtcdSubnetManager;
import io.flannelj.lease.kube.KubeSubnetManager;
import java.io.IOException;
import java.time.Clock;

/** Which store the options name: etcd, or the Kubernetes apiserver. */
final class Stores {
    private Stores() {}

    static SubnetManager open(DaemonOptions options, Clock clock) throws IOException, ConfigException {
        KubeOptions kube = options.kube();
        if (kube != null) {
            return KubeSubnetManager.open(kube, System.getenv(), clock);
        }
        DaemonOptions.Etcd etcd = options.etcd();
        return EtcdSubnetManager.open(
                new EtcdOptions(
                        etcd.endpoints(),
                        etcd.prefix(),
                        etcd.keyFile(),
                        etcd.certFile(),
                        etcd.caFile(),
                        etcd.username(),
                        etcd.password()),
                clock);
    }
}
