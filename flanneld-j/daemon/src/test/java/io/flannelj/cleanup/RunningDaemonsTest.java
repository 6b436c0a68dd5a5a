package io.flannelj.cleanup;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class RunningDaemonsTest {
    @Test
    void daemonsAreToldFromOperatorsCommandsAndFromOthers() {
        assertThat(kind("java", "-cp", "lib/*", "io.flannelj.main.Main", "--ip-masq"))
                .isEqualTo("flanneld-j");
        assertThat(kind("java", "io.flannelj.main.Main")).isEqualTo("flanneld-j");
        assertThat(kind("java", "io.flannelj.main.Main", "cleanup")).isEmpty();
        assertThat(kind("/opt/bin/flanneld", "-kube-subnet-mgr")).isEqualTo("flanneld");
        assertThat(kind("vi", "/opt/bin/flanneld")).isEmpty();
        assertThat(kind("")).isEmpty();
    }

    private static String kind(String... commandLine) {
        return RunningDaemons.kind(List.of(commandLine));
    }
}
