package io.flannelj.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.config.AdminOptions;
import io.flannelj.config.AdminOptions.HttpAddress;
import io.flannelj.config.AnnotationPrefix;
import io.flannelj.config.DaemonOptions;
import io.flannelj.config.Datapath;
import io.flannelj.config.EtcdEndpoint;
import io.flannelj.config.EtcdOptions;
import io.flannelj.config.KubeOptions;
import io.flannelj.lease.StoreException;
import io.flannelj.net.IpAddress;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine.Model.OptionSpec;

class CommandLineTest {
    private static final StoreOpener NO_STORE = options -> {
        throw new StoreException(
                "no store at " + ((EtcdOptions) options).endpoints() + ((EtcdOptions) options).prefix());
    };

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();
    private Map<String, String> environment = Map.of();

    private Invocation read(String... arguments) {
        return new CommandLine(environment, new PrintWriter(out), new PrintWriter(err), "1.2.3", NO_STORE)
                .read(arguments);
    }

    private static EtcdOptions etcd(DaemonOptions options) {
        return (EtcdOptions) options.store();
    }

    private DaemonOptions options(String... arguments) {
        Invocation invocation = read(arguments);
        assertThat(invocation).as("%s", err).isInstanceOf(Invocation.RunDaemon.class);
        return ((Invocation.RunDaemon) invocation).options();
    }

    private String refusal(String... arguments) {
        assertThat(read(arguments)).isEqualTo(new Invocation.Done(2));
        return err.toString();
    }

    @Test
    void defaultsAreFlannels() {
        DaemonOptions options = options();

        assertThat(etcd(options).endpoints())
                .extracting(Object::toString)
                .containsExactly("http://127.0.0.1:4001", "http://127.0.0.1:2379");
        assertThat(etcd(options).prefix()).isEqualTo("/coreos.com/network");
        assertThat(options.paths().subnetFile()).isEqualTo(Path.of("/run/flannel/subnet.env"));
        assertThat(options.lease().renewMargin()).isEqualTo(Duration.ofMinutes(60));
        assertThat(options.hostRules().masquerade()).isFalse();
        assertThat(options.hostRules().randomFully()).isTrue();
        assertThat(options.hostRules().acceptForwarded()).isTrue();
        assertThat(options.hostRules().resync()).isEqualTo(Duration.ofSeconds(5));
        assertThat(options.admin().healthz()).isEqualTo(new HttpAddress(IpAddress.parse("127.0.0.1"), 0));
        assertThat(options.admin().metrics()).isEqualTo(new HttpAddress(IpAddress.parse("127.0.0.1"), 0));
        assertThat(options.uplink().publicIps().isEmpty()).isTrue();
    }

    /** flannel 0.28's list, but for the klog flags' values. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "etcd-endpoints=http://a:1",
                "etcd-prefix=/a",
                "etcd-keyfile=",
                "etcd-certfile=",
                "etcd-cafile=/a",
                "etcd-username=",
                "etcd-password=a",
                "iface=a",
                "iface-regex=a",
                "iface-can-reach=10.0.0.1",
                "public-ip=10.0.0.1",
                "public-ipv6=fd00::1",
                "subnet-file=/a",
                "subnet-lease-renew-margin=1",
                "ip-masq=true",
                "ip-masq-fully-random-disable=true",
                "iptables-resync=1",
                "iptables-forward-rules=false",
                "ip-blackhole-route=true",
                "kube-subnet-mgr=false",
                "kube-api-url=http://a:1",
                "kubeconfig-file=/a",
                "kube-annotation-prefix=a.b/c",
                "net-config-path=/a",
                "set-node-network-unavailable=false",
                "healthz-ip=0.0.0.0",
                "healthz-port=1",
                "v=1",
                "vmodule=a=1",
                "log_backtrace_at=a.go:1"
            })
    void everyFlagOfFlannelIsKnown(String flag) {
        read("--" + flag);
        read("-" + flag);
        assertThat(err.toString()).doesNotContain("unknown flag");
    }

    @Test
    void ourOwnFlagsAreTaken() {
        environment = Map.of("FLANNELD_IP_BLACKHOLE_ROUTE", "true");
        DaemonOptions options = options("--vxlan-datapath=kernel", "--compat-nft");
        assertThat(options.datapath().vxlan()).isEqualTo(Datapath.KERNEL);
        assertThat(options.hostRules().compatNft()).isTrue();
        assertThat(options.hostRules().blackholeRoute()).isTrue();
        environment = Map.of();
        assertThat(options().datapath().vxlan()).isNull();
        assertThat(options().hostRules().compatNft()).isFalse();
        assertThat(refusal("--vxlan-datapath=fpga")).contains("--vxlan-datapath: must be userspace, kernel or auto");
    }

    @Test
    void everyFlagIsTaken() {
        DaemonOptions options = options(
                "--etcd-endpoints=https://a:2379, https://b:2379",
                "--etcd-prefix=/net",
                "--etcd-cafile=/ca.pem",
                "--etcd-certfile=/cert.pem",
                "--etcd-keyfile=/key.pem",
                "--etcd-username=me",
                "--etcd-password=secret",
                "--iface=eth0",
                "--iface=eth1",
                "--iface-regex=^10[.]",
                "--iface-can-reach=10.0.0.1",
                "--public-ip=203.0.113.7",
                "--public-ipv6=2001:db8::7",
                "--subnet-file=/s.env",
                "--subnet-lease-renew-margin=30",
                "--ip-masq",
                "--ip-masq-fully-random-disable",
                "--iptables-resync=9",
                "--iptables-forward-rules=false",
                "--healthz-ip=127.0.0.1",
                "--healthz-port=8471",
                "--metrics-ip=10.1.2.3",
                "--metrics-port=8472",
                "--explain-port=8473",
                "--metrics-peers=7",
                "--control-socket=/c.sock",
                "--state-dir=/state",
                "--tun-device=/tun",
                "--busy-poll-us=75",
                "--workers=3",
                "--pin-workers");

        assertThat(etcd(options))
                .isEqualTo(new EtcdOptions(
                        List.of(new EtcdEndpoint("a", 2379, true), new EtcdEndpoint("b", 2379, true)),
                        "/net",
                        "/key.pem",
                        "/cert.pem",
                        "/ca.pem",
                        "me",
                        "secret"));
        assertThat(options.uplink().interfaces()).containsExactly("eth0", "eth1");
        assertThat(options.uplink().interfacePatterns()).containsExactly("^10[.]");
        assertThat(options.uplink().canReach()).isEqualTo(IpAddress.parse("10.0.0.1"));
        assertThat(options.uplink().publicIps()).hasToString("203.0.113.7,2001:db8::7");
        assertThat(options.paths().subnetFile()).isEqualTo(Path.of("/s.env"));
        assertThat(options.lease().renewMargin()).isEqualTo(Duration.ofMinutes(30));
        assertThat(options.hostRules().masquerade()).isTrue();
        assertThat(options.hostRules().randomFully()).isFalse();
        assertThat(options.hostRules().resync()).isEqualTo(Duration.ofSeconds(9));
        assertThat(options.hostRules().acceptForwarded()).isFalse();
        assertThat(options.admin())
                .isEqualTo(new AdminOptions(
                        new HttpAddress(IpAddress.parse("127.0.0.1"), 8471),
                        new HttpAddress(IpAddress.parse("10.1.2.3"), 8472),
                        Path.of("/c.sock"),
                        8473,
                        7));
        assertThat(options.paths().stateDirectory()).isEqualTo(Path.of("/state"));
        assertThat(options.datapath().tunnels().tunPath()).isEqualTo("/tun");
        assertThat(options.datapath().tunnels().busyPoll()).isEqualTo(Duration.ofNanos(75_000));
        assertThat(options.datapath().tunnels().workers()).isEqualTo(3);
        assertThat(options.datapath().tunnels().pinWorkers()).isTrue();
    }

    @Test
    void oneOfSeveralDaemonsHasItsOwnFiles() {
        DaemonOptions options = options("--instance", "blue", "--state-dir", "/srv/state");
        assertThat(options.paths().instance().name()).isEqualTo("blue");
        assertThat(options.paths().subnetFile()).hasToString("/run/flannel/blue.env");
        assertThat(options.admin().controlSocket()).hasToString("/run/flannel-j/blue.sock");
        assertThat(options.paths().stateDirectory()).hasToString("/srv/state");
    }

    @Test
    void kubernetesIsTheStoreOnRequest() {
        assertThat(options("--kube-api-url=https://a:6443").store()).isInstanceOf(EtcdOptions.class);

        environment = Map.of("NODE_NAME", "n1", "EVENT_QUEUE_DEPTH", "5000");
        assertThat(options("--kube-subnet-mgr").store())
                .isEqualTo(new KubeOptions(
                        "",
                        null,
                        AnnotationPrefix.parse("flannel.alpha.coreos.com"),
                        Path.of("/etc/kube-flannel/net-conf.json"),
                        true,
                        "n1",
                        "",
                        ""));

        environment = Map.of("POD_NAME", "p", "POD_NAMESPACE", "s", "FLANNELD_KUBE_SUBNET_MGR", "true");
        assertThat(options(
                                "--kube-api-url=https://a:6443",
                                "--kubeconfig-file=/k",
                                "--kube-annotation-prefix=org.com/x",
                                "--net-config-path=/n.json",
                                "--set-node-network-unavailable=false")
                        .store())
                .isEqualTo(new KubeOptions(
                        "https://a:6443",
                        Path.of("/k"),
                        AnnotationPrefix.parse("org.com/x"),
                        Path.of("/n.json"),
                        false,
                        "",
                        "p",
                        "s"));
    }

    @Test
    void mistakesInKubernetesFlagsAreToldAtOnce() {
        environment = Map.of("EVENT_QUEUE_DEPTH", "many");
        assertThat(refusal("--kube-subnet-mgr", "--kube-api-url=a", "--kube-annotation-prefix=org"))
                .contains("NODE_NAME", "--kube-api-url", "--kube-annotation-prefix", "EVENT_QUEUE_DEPTH");
    }

    @Test
    void oneDashDoesForTwoAndTheLastCounts() {
        assertThat(etcd(options("-ip-masq=true", "-etcd-prefix", "/one", "--etcd-prefix", "/two"))
                        .prefix())
                .isEqualTo("/two");
    }

    @Test
    void theEnvironmentStandsForWhatIsNotTyped() {
        environment = Map.of("FLANNELD_IP_MASQ", "true", "FLANNELD_ETCD_PREFIX", "/from/environment");

        assertThat(options().hostRules().masquerade()).isTrue();
        assertThat(etcd(options()).prefix()).isEqualTo("/from/environment");
        assertThat(etcd(options("--etcd-prefix=/typed")).prefix()).isEqualTo("/typed");
    }

    @Test
    void aVariableThatStandsForNoFlagIsNamed() {
        environment = Map.of("FLANNELD_IP_MASK", "true", "FLANNELD_COLOUR\n", "red");
        assertThat(options().hostRules().masquerade()).isFalse();
        assertThat(err.toString().lines())
                .containsExactly(
                        "the environment variable FLANNELD_COLOUR\\n is ignored, for it stands for no flag; see flanneld-j --help",
                        "the environment variable FLANNELD_IP_MASK is ignored, for it stands for no flag;"
                                + " did you mean FLANNELD_IP_MASQ?");
    }

    @Test
    void variablesThatAreMeantOtherwiseAreNotNamed() {
        environment = Map.of(
                "FLANNELD_JAVA_OPTS", "-Xmx1g",
                "FLANNELD_SERVICE_HOST", "10.0.0.7",
                "FLANNELD_J_SERVICE_PORT_HEALTHZ", "8080",
                "FLANNELD_PORT", "tcp://10.0.0.7:8080",
                "FLANNELD_PORT_8080_TCP_ADDR", "10.0.0.7",
                "PATH", "/bin");
        options();
        assertThat(err.toString()).isEmpty();
    }

    @Test
    void theFormerNameOfTheWarmupWorksAndGivesWay() {
        assertThat(options("--cni-rehearsal-ms=7").cniWarmup()).hasMillis(7);
        environment = Map.of("FLANNELD_CNI_REHEARSAL_MS", "7");
        assertThat(options().cniWarmup()).hasMillis(7);
        assertThat(options("--cni-warmup-ms=5").cniWarmup()).hasMillis(5);
    }

    @ParameterizedTest
    @CsvSource({
        "--ip-masc, did you mean --ip-masq?",
        "--foo, unknown flag --foo; see flanneld-j --help",
        "--kube-subnet-mgr, NODE_NAME",
        "--busy-poll-us=1001, busy-poll-us",
        "--cni-warmup-ms=60001, cni-warmup-ms",
        "--workers=65, workers",
        "--instance=Blue, 1 to 12 of a-z",
        "--instance=a/../../b, 1 to 12 of a-z",
        "--healthz-port=x, healthz-port",
        "--healthz-port=70000, healthz-port",
        "--metrics-port=70000, metrics-port",
        "--public-ip=1.2.3, public-ip",
        "--public-ip=fd00::1, use --public-ipv6",
        "--public-ipv6=1.2.3.4, must be an IPv6 address",
        "--iface-regex=(, iface-regex",
        "frobnicate, see flanneld-j help",
        "peeers, did you mean peers?",
        "versoin, did you mean version?",
        "hlep, did you mean help?"
    })
    void refusesByName(String argument, String named) {
        assertThat(refusal(argument)).contains(named);
    }

    @Test
    void aCommandBehindFlagsStartsNoDaemon() {
        assertThat(refusal("--ip-masq", "status")).contains("unknown argument status; see flanneld-j --help");
    }

    @Test
    void everyMistakeIsToldAtOnce() {
        assertThat(refusal("--public-ip=x", "--healthz-ip=y", "--etcd-endpoints=ftp://z"))
                .contains("--public-ip", "--healthz-ip", "--etcd-endpoints");
    }

    @ParameterizedTest
    @ValueSource(strings = {"--help", "-h"})
    void helpShowsEveryFlag(String argument) {
        assertThat(read(argument)).isEqualTo(new Invocation.Done(0));
        assertThat(out.toString()).contains("--etcd-endpoints", "--ip-masq", "status", "peers");
    }

    @ParameterizedTest
    @ValueSource(strings = {"doctor", "report", "leases"})
    void aCommandOffersOnlyWhatItUses(String command) {
        assertThat(read(command, "--help")).isEqualTo(new Invocation.Done(0));
        assertThat(out.toString()).contains("--etcd-endpoints").doesNotContain("--set-node-network-unavailable");
    }

    /** Whoever asks, and whatever runs here. */
    @ParameterizedTest
    @CsvSource({
        "--port=70000, --port must be 1 to 65535",
        "--proto=tls, --proto must be tcp",
        "--peer=node-2, --peer must be a node's address"
    })
    void aPacketFlagThatIsNotUnderstoodIsToldFirst(String flag, String named) {
        assertThat(read("observe", flag)).isEqualTo(new Invocation.Done(2));
        assertThat(read("capture", "-w", "/nonexistent/file", flag)).isEqualTo(new Invocation.Done(2));
        assertThat(err.toString().lines()).hasSize(2).allMatch(line -> line.startsWith(named));
    }

    @Test
    void theDaemonsHelpBeginsWithTheCommonFlags() {
        read("--help");
        assertThat(out.toString().lines().filter(line -> line.matches("[A-Z,a-z ]+:")))
                .startsWith("Common:", "etcd:", "Kubernetes:")
                .endsWith("Other:", "Commands:");
        assertThat(out.toString()).containsSubsequence("Common:", "--etcd-endpoints", "etcd:", "--etcd-prefix");
    }

    /** Neither lost from the help nor shown twice. */
    @Test
    void everyFlagOfTheDaemonIsInOneSection() {
        assertThat(Arrays.stream(FlagSection.values()).flatMap(section -> section.flags().stream()))
                .containsExactlyInAnyOrderElementsOf(program().getCommandSpec().options().stream()
                        .filter(option -> !option.hidden()) // names of before, which go on working
                        .map(OptionSpec::longestName)
                        .toList());
    }

    @Test
    void helpFitsInEightyColumns() {
        helpOf(program());
        program().getSubcommands().values().forEach(this::helpOf);
        assertThat(out.toString().lines()).hasSizeGreaterThan(300).allMatch(line -> line.length() <= 80);
    }

    private void helpOf(picocli.CommandLine command) {
        command.usage(new PrintWriter(out, true));
        command.getSubcommands().values().forEach(sub -> sub.usage(new PrintWriter(out, true)));
    }

    private picocli.CommandLine program() {
        return new CommandLine(environment, new PrintWriter(out), new PrintWriter(err), "1.2.3").parser();
    }

    @Test
    void theFlagsOfAllCommandsComeLast() {
        read("observe", "--help");
        assertThat(out.toString().lines().map(String::strip).filter(line -> line.startsWith("-")))
                .map(line -> line.replaceFirst("^(?:-., )?(--[a-z-]+).*", "$1"))
                .endsWith("--control-socket", "--instance", "--output", "--help");
    }

    @Test
    void versionGoesToStandardErrorAsFlannels() {
        assertThat(read("--version")).isEqualTo(new Invocation.Done(0));
        assertThat(err.toString()).contains("1.2.3");
    }

    @Test
    void aCommandWithoutADaemonSaysSo() {
        assertThat(read("status", "--control-socket", "/nonexistent.sock"))
                .as("status of its own, for scripts")
                .isEqualTo(new Invocation.Done(3));
        assertThat(err.toString()).contains("/nonexistent.sock");
    }

    @Test
    void routesMayNotOutliveALeaseThatIsGivenBack() {
        assertThat(options("--keep-on-stop", "--await-predecessor").handover())
                .isEqualTo(new DaemonOptions.Handover(true, true));
        assertThat(options().handover()).isEqualTo(new DaemonOptions.Handover(false, false));
        assertThat(refusal("--keep-on-stop", "--subnet-lease-release"))
                .contains("--keep-on-stop")
                .contains("--subnet-lease-release");
    }

    @Test
    void leasesAreAskedForInTheStoreThatFlagsOrEnvironmentName() {
        environment = Map.of("FLANNELD_ETCD_PREFIX", "/elsewhere");

        assertThat(read("leases", "list", "--etcd-endpoints", "http://192.0.2.1:2379"))
                .isEqualTo(new Invocation.Done(3));
        assertThat(err.toString()).contains("[http://192.0.2.1:2379]/elsewhere");
        assertThat(read("leases")).isEqualTo(new Invocation.Done(3));
        assertThat(read("leases", "-o", "yaml")).isEqualTo(new Invocation.Done(2));
        assertThat(read("leases", "list", "-o", "yaml")).isEqualTo(new Invocation.Done(2));
        assertThat(read("leases", "reserve")).isEqualTo(new Invocation.Done(2));
    }
}
