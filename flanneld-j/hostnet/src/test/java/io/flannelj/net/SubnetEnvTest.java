package io.flannelj.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SubnetEnvTest {
    private static final SubnetEnv IPV4 = new SubnetEnv(cidrs("10.5.0.0/16"), cidrs("10.5.72.0/24"), 1450, true);

    private static PerFamily<Cidr> cidrs(String... texts) {
        return PerFamily.by(Cidr::family, Arrays.stream(texts).map(Cidr::parse).toList());
    }

    @Test
    void isWrittenAsFlannelWritesIt() {
        assertThat(IPV4.text()).isEqualTo("""
                        FLANNEL_NETWORK=10.5.0.0/16
                        FLANNEL_SUBNET=10.5.72.1/24
                        FLANNEL_MTU=1450
                        FLANNEL_IPMASQ=true
                        """);
    }

    @Test
    void aValueOfTheOtherFamilyASingleAddressAndNoMtuAreRefused() {
        for (String[] change : new String[][] {
            {"10.5.0.0/16", "fd00:5::/56"},
            {"10.5.72.1/24", "fd00:5::1/64"},
            {"10.5.72.1/24", "10.5.72.255/32"},
            {"1450", "0"},
            {"1450", "-1450"}
        }) {
            String text = IPV4.text().replace(change[0], change[1]);
            assertThatThrownBy(() -> SubnetEnv.parse(text)).as(text).isInstanceOf(SubnetEnv.MalformedException.class);
        }
    }

    @Test
    void bothFamiliesStandInFlannelsOrder() throws Exception {
        SubnetEnv both = new SubnetEnv(
                cidrs("10.5.0.0/16", "2001:cafe:42::/56"), cidrs("10.5.72.0/24", "2001:cafe:42::/64"), 1430, false);
        assertThat(both.text().lines().map(line -> line.substring(0, line.indexOf('='))))
                .containsExactly(
                        "FLANNEL_NETWORK",
                        "FLANNEL_SUBNET",
                        "FLANNEL_IPV6_NETWORK",
                        "FLANNEL_IPV6_SUBNET",
                        "FLANNEL_MTU",
                        "FLANNEL_IPMASQ");
        assertThat(SubnetEnv.parse(both.text())).isEqualTo(both);
    }

    @Test
    void whatWasWrittenIsReadBack(@TempDir Path directory) throws Exception {
        Path file = directory.resolve("run/flannel/subnet.env");
        IPV4.write(file);
        IPV4.write(file);
        assertThat(SubnetEnv.readIfUsable(file)).contains(IPV4);
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                .isEqualTo("rw-r--r--");
        try (var entries = Files.list(file.getParent())) {
            assertThat(entries).as("no draft is left").containsExactly(file);
        }
    }

    @Test
    void anythingCutOffIsRefusedOrWhole() {
        String text = IPV4.text();
        for (int length = 0; length < text.length() - 5; length++) {
            String cut = text.substring(0, length);
            assertThatThrownBy(() -> SubnetEnv.parse(cut))
                    .as("%d bytes", length)
                    .isInstanceOf(SubnetEnv.MalformedException.class)
                    .hasMessageContaining("FLANNEL_IPMASQ");
        }
    }

    @Test
    void everythingMissingIsNamedAtOnce() {
        assertThatThrownBy(() -> SubnetEnv.parse("# nothing\nFLANNEL_MTU=many\n"))
                .hasMessageContainingAll("FLANNEL_NETWORK", "FLANNEL_SUBNET", "FLANNEL_MTU", "FLANNEL_IPMASQ");
    }

    @Test
    void quotesAndListsAreReadAsFlannelReadsThem() throws Exception {
        SubnetEnv env = SubnetEnv.parse(
                "FLANNEL_NETWORK=\"nonsense,10.5.0.0/16\"\nFLANNEL_SUBNET='10.5.72.1/24'\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=true");
        assertThat(env).isEqualTo(IPV4);
        assertThatThrownBy(
                        () -> SubnetEnv.parse(
                                "FLANNEL_NETWORK=10.5.0.0/16,10.6.0.0/16\nFLANNEL_SUBNET=10.5.72.1/24\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=true"))
                .hasMessageContaining("FLANNEL_NETWORK");
    }
}
