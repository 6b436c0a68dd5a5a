package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.lab.Lab;
import io.flannelj.lab.Node;
import io.flannelj.lab.Wait;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A user of a node without root, where everybody may open {@code /dev/net/tun}, as on most systems. */
@NeedsPrivileges
class LocalUserIT {
    private static final String LIBRARY = """
            use Fcntl; use POSIX;
            sub attach { # a queue of a TUN device of several
                my ($tun, $name) = @_;
                return ioctl($tun, 0x400454ca, pack("a16 s x22", $name, 0x0001 | 0x1000 | 0x4000 | 0x0100));
            }
            sub becomeNobody { POSIX::setgid(65534); POSIX::setuid(65534); }
            sysopen(my $tun, "/dev/net/tun", O_RDWR) or die "open: $!";
            """;

    /** Opens a queue as a user; {@code got} or the error. */
    private static final String ATTACH = LIBRARY + "becomeNobody(); print attach($tun, $ARGV[0]) ? 'got' : $! + 0;";

    /** Keeps a queue that was there before, and tells when the device has gone. */
    private static final String KEEP = LIBRARY + """
            attach($tun, $ARGV[0]) or die "attach: $!";
            open(my $sign, ">", $ARGV[1]) or die "sign: $!"; close $sign;
            becomeNobody();
            sleep 1 while ioctl($tun, 0x800454d2, pack("x40"));
            """;

    private static final Duration SOON = Duration.ofSeconds(10);
    private static final String NO_PERMISSION = "1";

    private Lab lab;
    private Node node;

    @BeforeEach
    void open() {
        lab = Lab.open(1, Lab.Underlay.ON);
        lab.configure("{\"Network\":\"10.5.0.0/16\",\"Backend\":{\"Type\":\"vxlan\"}}");
        node = lab.node(1);
    }

    @AfterEach
    void close() {
        lab.close();
    }

    /** With a queue they would get a share of the pods' packets, and could send as any pod of any node. */
    @Test
    void getsNoQueueOfTheTunnel() {
        node.start("--workers=2");
        node.run("ip", "tuntap", "add", "dev", "other", "mode", "tun", "multi_queue", "vnet_hdr");

        assertThat(attach("other")).as("of a device without an owner").isEqualTo("got");
        assertThat(attach("flannel.1")).isEqualTo(NO_PERMISSION);
        assertThat(node.run("ip", "-d", "link", "show", "flannel.1").output())
                .contains("user root")
                .contains("numqueues 2");
    }

    /** A device of an earlier version had no owner, and stays as long as somebody has a queue. */
    @Test
    void losesAQueueThatWasThereBefore() {
        Path sign = node.directory().resolve("sign");
        Process keeper =
                node.start(node.directory().resolve("keeper.log"), "perl", "-e", KEEP, "flannel.1", sign.toString());
        try {
            Wait.until(() -> "a queue is open", SOON, () -> Files.exists(sign));

            node.start("--workers=2");

            assertThat(node.run("ip", "-d", "link", "show", "flannel.1").output())
                    .contains("numqueues 2")
                    .contains("user root");
            Wait.until(() -> "the queue of the user is gone", SOON, () -> !keeper.isAlive());
        } finally {
            keeper.destroyForcibly();
        }
    }

    private String attach(String device) {
        return node.run("perl", "-e", ATTACH, device).orThrow();
    }
}
