package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.flannelj.lab.Commands;
import io.flannelj.lab.bench.Peers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the Helm chart makes of values, its own and flannel's. Needs helm 3, from integration-tests/peers or as HELM. */
class ChartIT {
    private static final String HELM = Objects.requireNonNullElseGet(
            System.getenv("HELM"), () -> Peers.program("helm").toString());
    private static final Path CHART = Path.of("../deploy/chart/flanneld-j");

    @BeforeEach
    void needHelm() {
        assumeTrue(
                Files.isExecutable(Path.of(HELM)), "no helm 3: integration-tests/peers helm builds one, or set HELM");
    }

    private static Commands.Result render(String... options) {
        List<String> command = new ArrayList<>(List.of(
                HELM, "template", "x", CHART.toString(), "--namespace", "kube-flannel", "--kube-version", "1.34.0"));
        command.addAll(Arrays.asList(options));
        return Commands.run(command.toArray(String[]::new));
    }

    private static String rendered(String... options) {
        Commands.Result result = render(options);
        assertThat(result.succeeded()).as(result.errors()).isTrue();
        return result.output();
    }

    @Test
    void theManifestIsTheChartWithItsDefaults() {
        assertThat(Commands.run("env", "HELM=" + HELM, "../deploy/kubernetes/render", "--check")
                        .succeeded())
                .isTrue();
    }

    @Test
    void aValuesFileForFlannelServesHere() {
        assertThat(rendered("-f", "src/test/resources/chart/flannel-values.yaml"))
                .contains("image: flanneld-j:" + version(), "--as-flannel", "--healthz-port=8081", "port: 8081")
                .doesNotContain("ghcr.io");
    }

    private static String version() {
        return Commands.require("../deploy/set-version").strip();
    }

    @Test
    void anImageIsTakenByItsDigestWhereThatIsGiven() {
        String digest = "sha256:" + "0".repeat(64);
        assertThat(rendered("--set", "image.repository=registry.example/flanneld-j,image.digest=" + digest))
                .contains("image: registry.example/flanneld-j@" + digest)
                .doesNotContain("flanneld-j:" + version());
        assertThat(rendered("--set", "image.tag=special")).contains("image: flanneld-j:special");
    }

    @Test
    void labelsAndAnnotationsReachPods() {
        assertThat(rendered("--set", "flannel.podAnnotations.a=b,flannel.podLabels.c=d,commonLabels.e=f"))
                .contains("        a: b\n", "        c: d\n", "    e: f\n");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "flannel.psk=1 | flannel.psk is for the backend wireguard",
                "flannel.tunnelMode=ipv4 | flannel.tunnelMode is for the backend wireguard",
                "flannel.backend=wireguard | flannel.backend wireguard is not built yet",
                "flannel.GBP=true | flannel.GBP, VXLAN's group based policy, is not built",
                "netpol.enabled=true | netpol.enabled: flanneld-j has no network policies of its own",
                "flannel.image.repository=my.registry/own | is set by image.repository",
                "flannel.args={--healthz-port=1} | set flannel.healthz.port",
                "podCidr= | podCidr and podCidrv6 are both empty",
                "flannel.bakend=udp | 'bakend' not allowed",
                "flannel.vni=-1 | /flannel/vni"
            })
    void whatCannotBeHadIsRefusedByName(String value, String message) {
        Commands.Result refused = render("--set", value);

        assertThat(refused.succeeded()).isFalse();
        assertThat(refused.errors()).contains(message);
    }

    @Test
    void portZeroMeansNoServerAndNoProbes() {
        assertThat(rendered("--set", "flannel.healthz.port=0")).doesNotContain("Probe", "--healthz-port");
    }

    @Test
    void theBandwidthPluginIsAddedOnDemand() {
        assertThat(rendered("--set", "flannel.bandwidthPlugin=true")).contains("\"type\": \"bandwidth\"");
    }

    @Test
    void monitoringIsMadeWhereItIsWanted() {
        assertThat(rendered()).doesNotContain("monitoring.coreos.com", "flanneld-j-dashboard");
        assertThat(rendered(
                        "--set",
                        "flannel.metrics.port=9470,monitoring.podMonitor.enabled=true,monitoring.podMonitor.labels.release=prom,"
                                + "monitoring.rules.enabled=true,monitoring.dashboard.enabled=true"))
                .contains(
                        "kind: PodMonitor",
                        "    release: prom\n",
                        "replacement: \"$1:9470\"",
                        "replacement: \"[$1]:9470\"",
                        "kind: PrometheusRule",
                        "summary: \"{{ $labels.instance }} is not ready for pods\"",
                        "    grafana_dashboard: \"1\"\n",
                        "  flanneld-j.json: |\n    {\n");
        Commands.Result refused = render("--set", "monitoring.podMonitor.enabled=true");
        assertThat(refused.succeeded()).isFalse();
        assertThat(refused.errors()).contains("set flannel.metrics.port, too");
    }
}
