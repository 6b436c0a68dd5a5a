package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.flannelj.lab.Browser;
import io.flannelj.lab.Lab;
import io.flannelj.lab.Node;
import io.flannelj.lab.Pod;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The status page in a real browser. {@code -Dflannelj.photographs=FOLDER} keeps what it looked like. */
@NeedsPrivileges
class StatusPageIT {
    private static final Duration SOON = Duration.ofSeconds(60);
    private static final String URL = "http://127.0.0.1:8081/";

    @Test
    void itFollowsWhatHappensAndFitsEveryScreen() throws IOException {
        assumeTrue(Browser.isInstalled(), "no chromium: apt-get install chromium");
        try (Lab lab = Lab.open(4, Lab.Underlay.ON)
                        .configure("{\"Network\":\"10.5.0.0/16\",\"Backend\":{\"Type\":\"vxlan\"}}")
                        .start();
                Browser browser = Browser.open(lab.node(1), URL)) {
            Node node = lab.node(1);
            Pod near = node.addPod();
            Pod far = lab.node(2).addPod();
            lab.node(2).startIn(far, "iperf3", "-s");
            node.startIn(near, "iperf3", "-c", far.address(), "-b", "40M", "-t", "60");
            // To nobody: dropped, and counted. One ping after the other, for each ends with the first answer that it
            // cannot arrive.
            node.startIn(near, "sh", "-c", "for i in $(seq 240); do ping -q -c1 -W1 10.5.255.254; sleep 0.25; done");
            lab.node(4).kill();

            Awaitility.await("the page takes itself in anew")
                    .atMost(SOON)
                    .untilAsserted(() -> assertThat(text(browser))
                            .contains(
                                    "3 other nodes",
                                    "Mbit/s",
                                    "silent since",
                                    "out.no_route",
                                    "1 of 3; flanneld-j explain")
                            .doesNotContain("ack_filtered")
                            .contains(lab.node(2).address(), lab.node(3).address()));
            assertThat(browser.evaluate("document.querySelectorAll('.peers .spark path').length")
                            .asInt())
                    .isPositive();
            for (int width : new int[] {360, 800, 1600}) {
                for (String colours : new String[] {"light", "dark"}) {
                    browser.show(width, 900, colours);
                    assertThat(browser.evaluate("document.documentElement.scrollWidth")
                                    .asInt())
                            .as("width at " + width)
                            .isLessThanOrEqualTo(width);
                    keep(browser, "status-" + width + "-" + colours + ".png");
                }
            }
            assertThat(browser.complaints()).isEmpty();
            assertThat(browser.evaluate("getComputedStyle(document.body).backgroundColor")
                            .asText())
                    .as("in the dark")
                    .isEqualTo("rgb(18, 23, 30)");
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void theCauseIsLargeWhereSomethingIsWrong(boolean started) throws IOException {
        assumeTrue(Browser.isInstalled(), "no chromium: apt-get install chromium");
        try (Lab lab = Lab.open(1, Lab.Underlay.ON)) {
            Node node = lab.node(1);
            if (started) {
                lab.configure("{\"Network\":\"10.5.0.0/16\",\"Backend\":{\"Type\":\"vxlan\"}}");
                node.start();
                lab.etcd().kill();
            } else {
                node.startDaemon();
            }
            Awaitility.await()
                    .atMost(SOON)
                    .until(() -> node.run("curl", "-sf", URL)
                            .output()
                            .contains(started ? "serving the last known peers" : "etcdctl put"));
            try (Browser browser = Browser.open(node, URL)) {
                browser.show(800, 600, "light");
                assertThat(browser.evaluate("document.querySelector('.reasons p').textContent")
                                .asText())
                        .contains(
                                started
                                        ? "Connection refused; serving the last known peers"
                                        : "yet; write one, for example: etcdctl put /coreos.com/network/config '");
                assertThat(browser.evaluate(
                                        "parseFloat(getComputedStyle(document.querySelector('.reasons p')).fontSize)")
                                .asDouble())
                        .isGreaterThan(16);
                keep(browser, started ? "degraded.png" : "starting.png");
                assertThat(browser.complaints()).isEmpty();
            }
        }
    }

    private static String text(Browser browser) {
        return browser.evaluate("document.body.innerText").asText();
    }

    private static void keep(Browser browser, String name) throws IOException {
        String folder = System.getProperty("flannelj.photographs");
        if (folder != null) {
            browser.photograph(Files.createDirectories(Path.of(folder)).resolve(name));
        }
    }
}
