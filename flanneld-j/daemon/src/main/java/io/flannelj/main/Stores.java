package io.flannelj.main;

import io.flannelj.config.ConfigException;
import io.flannelj.config.EtcdOptions;
import io.flannelj.config.KubeOptions;
import io.flannelj.config.StoreOptions;
import io.flannelj.lease.SubnetManager;
import io.flannelj.lease.etcd.EtcdSubnetManager;
import io.flannelj.lease.kube.KubeSubnetManager;
import java.io.IOException;
import java.time.Clock;

/** Which store the options name: etcd, or the Kubernetes apiserver. */
final class Stores {
    private Stores() {}

    static SubnetManager open(StoreOptions options, Clock clock) throws IOException, ConfigException {
        return options instanceof KubeOptions kube
                ? KubeSubnetManager.open(kube, System.getenv(), clock)
                : EtcdSubnetManager.open((EtcdOptions) options, clock);
    }
}
