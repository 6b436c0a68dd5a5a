package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.lab.Commands;
import io.flannelj.lab.ContainerHost;
import io.flannelj.lab.Lab;
import io.flannelj.lab.Node;
import io.flannelj.lab.Wait;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import io.flannelj.net.SubnetEnv;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/**
 * The programs that the network is for: containerd, which calls the plugin, and dockerd, on the same docker0, on two nodes.
 * Wanted by {@code integration-tests/run --clients}, which installs them.
 */
@NeedsPrivileges
@EnabledIfSystemProperty(
        named = "flannelj.clients",
        matches = "true",
        disabledReason = "containerd and dockerd are asked for by integration-tests/run --clients")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ClientsIT {
    private static final Duration UP_WITHIN = Duration.ofSeconds(40);
    private static final String IMAGE = "docker.io/library/box:1";

    private Lab lab;
    private final List<ContainerHost> hosts = new ArrayList<>();

    @BeforeAll
    void build() {
        lab = Lab.open(2, Lab.Underlay.ON)
                .configure("{\"Network\":\"10.5.0.0/16\",\"Backend\":{\"Type\":\"vxlan\"}}")
                .start();
        for (int i = 1; i <= 2; i++) {
            ContainerHost host = ContainerHost.open(lab.node(i));
            hosts.add(host);
            host.startContainerd();
            host.startDockerd();
        }
        // An image of one static program, made by the one dockerd, taken by the other and by both containerds.
        ContainerHost first = hosts.get(0);
        Path archive = first.file("box.tar");
        first.run(
                        "sh",
                        "-ec",
                        "mkdir -p R/bin R/proc R/sys R/tmp; cp /bin/busybox R/bin; for a in sh ping sleep ip; do ln -sf busybox R/bin/$a;"
                                        .replace("R", first.file("root").toString())
                                + " done")
                .orThrow();
        first.run(
                        "tar",
                        "-C",
                        first.file("root").toString(),
                        "-cf",
                        first.file("root.tar").toString(),
                        ".")
                .orThrow();
        first.docker("import", first.file("root.tar").toString(), "box:1").orThrow();
        first.docker("save", "-o", archive.toString(), "box:1").orThrow();
        hosts.get(1).docker("load", "-i", archive.toString()).orThrow();
        for (ContainerHost host : hosts) {
            host.ctr("image", "import", "--snapshotter", "native", archive.toString())
                    .orThrow();
        }
    }

    @AfterAll
    void tearDown() {
        hosts.forEach(ContainerHost::close);
        if (lab != null) {
            lab.close();
        }
    }

    private record Container(ContainerHost host, boolean docker, String id, String address) {
        Commands.Result ping(Container other) {
            return docker
                    ? host.docker("exec", id, "ping", "-c", "2", "-W", "3", other.address())
                    : host.ctr(
                            "task",
                            "exec",
                            "--exec-id",
                            "ping" + System.nanoTime(),
                            id,
                            "ping",
                            "-c",
                            "2",
                            "-W",
                            "3",
                            other.address());
        }
    }

    private static Container byDocker(ContainerHost host, String id) {
        host.docker("run", "-d", "--name", id, "box:1", "sleep", "600").orThrow();
        String address = host.docker("inspect", "-f", "{{.NetworkSettings.IPAddress}}", id)
                .orThrow()
                .strip();
        return new Container(host, true, id, address);
    }

    private static Container byCtr(ContainerHost host, String id) {
        Process ctr = host.runByCtr(IMAGE, id, "sleep", "600");
        String[] address = new String[1];
        Wait.until(() -> id + " has an address; " + host.log("ctr-" + id), UP_WITHIN, () -> {
            assertThat(ctr.isAlive()).as(host.log("ctr-" + id)).isTrue();
            Commands.Result shown = host.ctr(
                    "task",
                    "exec",
                    "--exec-id",
                    "ip" + System.nanoTime(),
                    id,
                    "ip",
                    "-o",
                    "-4",
                    "addr",
                    "show",
                    "eth0");
            if (!shown.succeeded() || !shown.output().contains("inet ")) {
                return false;
            }
            address[0] = shown.output().replaceAll("(?s).*inet ([0-9.]+)/.*", "$1");
            return true;
        });
        return new Container(host, false, id, address[0]);
    }

    @Test
    void containersOfBothReachEachOtherOnAndBetweenTheNodes() {
        List<Container> containers = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            containers.add(byDocker(hosts.get(i), "d" + i));
            containers.add(byCtr(hosts.get(i), "c" + i));
        }
        for (Container from : containers) {
            for (Container to : containers) {
                Commands.Result ping = from.ping(to);
                assertThat(ping.output())
                        .as("%s to %s: %s", from.id(), to.id(), ping.errors())
                        .contains(" 0% packet loss");
            }
        }
        for (Container container : containers) {
            Node node = lab.node(hosts.indexOf(container.host()) + 1);
            Cidr subnet = SubnetEnv.readIfUsable(node.subnetFile())
                    .orElseThrow()
                    .subnets()
                    .require(IpFamily.IPV4);
            Cidr half = container.docker() ? subnet.lowerHalf() : subnet.upperHalf();
            assertThat(half.contains(IpAddress.parse(container.address())))
                    .as("%s in %s", container.address(), half)
                    .isTrue();
        }
        for (Container container : containers) {
            if (container.docker()) {
                container.host().docker("rm", "-f", container.id()).orThrow();
            } else {
                container
                        .host()
                        .ctr("task", "kill", "-s", "KILL", container.id())
                        .orThrow();
                Path file = lab.node(hosts.indexOf(container.host()) + 1)
                        .addressDirectory()
                        .resolve("cbr0")
                        .resolve(container.address());
                Wait.until("DEL gave the address back", UP_WITHIN, () -> !Files.exists(file));
            }
        }
        for (int i = 1; i <= 2; i++) {
            Node node = lab.node(i);
            Wait.until(
                    "no pair is left",
                    UP_WITHIN,
                    () -> !node.run("ip", "-br", "link").output().contains("veth"));
        }
    }
}
