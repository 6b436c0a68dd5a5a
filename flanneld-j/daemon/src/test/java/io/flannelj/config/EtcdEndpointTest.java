package io.flannelj.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class EtcdEndpointTest {
    @ParameterizedTest
    @CsvSource({
        "http://127.0.0.1:2379,http://127.0.0.1:2379",
        "https://etcd-0.example.org:2379,https://etcd-0.example.org:2379",
        "http://127.0.0.1:2379/,http://127.0.0.1:2379",
        "HTTP://etcd:4001,http://etcd:4001",
        "http://etcd,http://etcd:2379",
        "https://etcd/,https://etcd:2379",
        "127.0.0.1:2379,http://127.0.0.1:2379",
        "etcd:2379,http://etcd:2379",
        "localhost,http://localhost:2379",
        "http://[fd00:64::fe]:2379,http://[fd00:64::fe]:2379",
        "https://[::1]/,https://[::1]:2379",
        "[::1]:4001,http://[::1]:4001",
        "http://[fe80::1%25eth0]:2379,http://[fe80::1%25eth0]:2379",
        "http://etcd_1.:2379,http://etcd_1.:2379",
        "http://root:secret@etcd:2379,http://etcd:2379",
        "root:secret@etcd:2379,http://etcd:2379"
    })
    void everyFormThatFlannelTakesIsRead(String text, String read) {
        assertThat(EtcdEndpoint.parse(text, false)).hasToString(read);
    }

    @Test
    void withoutASchemeCertificatesDecide() {
        assertThat(EtcdEndpoint.parse("etcd:2379", true)).hasToString("https://etcd:2379");
        assertThat(EtcdEndpoint.parse("http://etcd:2379", true)).hasToString("http://etcd:2379");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "http://",
                "http:///",
                "http://:2379",
                "ftp://etcd:2379",
                "unix:///run/etcd.sock",
                "http://etcd:0",
                "http://etcd:65536",
                "http://etcd:99999999999",
                "http://etcd:",
                "http://etcd:2379/v3",
                "http://etcd:2379?x",
                "http://fd00::1:2379",
                "http://[fd00::1:2379",
                "http://[fd00::g]:2379",
                "http://[127.0.0.1]:2379",
                "http://[]:2379",
                "http://127.0.0.256:2379",
                "http://127.1:2379",
                "http://et cd:2379",
                "http://etcd\n:2379",
                "http://-etcd:2379",
                "http://a..b:2379",
                "http://é:2379",
                "http://[fe80::1%]:2379"
            })
    void whatIsNoneIsRefusedByName(String text) {
        assertThatThrownBy(() -> EtcdEndpoint.parse(text, false))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(text);
    }

    @ParameterizedTest
    @ValueSource(strings = {"http://root:secret@etcd:0", "ftp://root:secret@etcd", "root:secret@etcd:x"})
    void aPasswordIsNotShownEvenInARefusal(String text) {
        assertThatThrownBy(() -> EtcdEndpoint.parse(text, false))
                .hasMessageContaining("etcd")
                .message()
                .doesNotContain("secret");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"http://u:se/cret@h:2379", "http://u:p@ecret@h:2379", "u:secret@h:0", "http://u:secret@h:0"})
    void noMessageShowsAPassword(String text) {
        assertThatThrownBy(() -> EtcdEndpoint.parse(text, false))
                .isInstanceOf(IllegalArgumentException.class)
                .message()
                .doesNotContain("ecret");
    }
}
