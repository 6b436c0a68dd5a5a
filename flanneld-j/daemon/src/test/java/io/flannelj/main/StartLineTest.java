package io.flannelj.main;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.cli.CommandLine;
import io.flannelj.cli.Invocation;
import java.io.PrintWriter;
import java.io.Writer;
import java.util.Map;
import org.junit.jupiter.api.Test;

class StartLineTest {
    private static final Map<String, String> SYSTEM = Map.of(
            "java.version", "17.0.15", "java.vendor", "Debian", "os.version", "6.1.0-37-amd64", "os.arch", "amd64");

    private static String line(Map<String, String> environment, String... flags) {
        PrintWriter nowhere = new PrintWriter(Writer.nullWriter());
        Invocation invocation = new CommandLine(environment, nowhere, nowhere, "0.2.0").read(flags);
        return StartLine.of("0.2.0", SYSTEM, ((Invocation.RunDaemon) invocation).options());
    }

    @Test
    void saysWhatRunsOnWhatAndWithWhichSettings() {
        assertThat(line(Map.of(), "--etcd-endpoints=http://192.0.2.1:2379", "--ip-masq", "--healthz-port=8081"))
                .isEqualTo("flanneld-j 0.2.0 on Java 17.0.15 (Debian), Linux 6.1.0-37-amd64, amd64; etcd at"
                        + " http://192.0.2.1:2379 below /coreos.com/network, masquerading, subnet file"
                        + " /run/flannel/subnet.env, HTTP at 127.0.0.1 port 8081");
    }

    @Test
    void saysWhichNodeOfKubernetesItIs() {
        assertThat(line(Map.of("NODE_NAME", "n1"), "--kube-subnet-mgr", "--iface=eth1", "--keep-on-stop"))
                .endsWith("Kubernetes' node n1, network config in /etc/kube-flannel/net-conf.json, interface eth1, no"
                        + " masquerading, routes and rules are kept at a stop, subnet file /run/flannel/subnet.env, no"
                        + " HTTP");
    }

    @Test
    void neverSaysThePassword() {
        assertThat(line(Map.of("FLANNELD_ETCD_PASSWORD", "secret"), "--etcd-username=me"))
                .doesNotContain("secret");
    }
}
