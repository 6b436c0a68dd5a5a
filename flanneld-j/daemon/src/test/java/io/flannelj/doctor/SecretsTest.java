package io.flannelj.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SecretsTest {
    @ParameterizedTest
    @ValueSource(
            strings = {
                "flanneld-j --etcd-password hunter2 --ip-masq",
                "flanneld-j --etcd-password=hunter2",
                "FLANNELD_ETCD_PASSWORD=hunter2",
                "{\"user\": \"x\", \"password\" : \"hunter2\"}",
                "etcd at http://admin:hunter2@10.0.0.1:2379 answers",
                "Authorization: Bearer hunter2",
                "token: hunter2",
                "client-key-data: hunter2",
                "-----BEGIN RSA PRIVATE KEY-----\nhunter2\n-----END RSA PRIVATE KEY-----",
                "-----BEGIN PRIVATE KEY-----\nhunter2",
                "\"PSK\":\"hunter2\"",
            })
    void secretsAreLeftOut(String text) {
        assertThat(Secrets.leaveOut(text)).doesNotContain("hunter2").contains("(left out)");
    }

    @Test
    void tokensOfServiceAccountsAreKnownByTheirForm() {
        assertThat(Secrets.leaveOut("x eyJhbGciOiJSUzI1NiIs.eyJpc3MiOiJrd.c2lnbmF0dXJl y"))
                .isEqualTo("x (left out) y");
    }

    @Test
    void whatIsNoSecretStays() {
        String text = "10.5.2.0/24 dev flannel.1 key-file /etc/key.pem\n{\"drops\":{\"out.no_route\":0}}\n";
        assertThat(Secrets.leaveOut(text)).isEqualTo(text);
    }
}
