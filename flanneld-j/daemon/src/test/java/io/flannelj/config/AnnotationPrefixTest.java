package io.flannelj.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** flannel's own table (pkg/subnet/kube/annotations_test.go, Test_newAnnotations). */
class AnnotationPrefixTest {
    @ParameterizedTest
    @CsvSource({
        "flannel.alpha.coreos.com, flannel.alpha.coreos.com/backend-type",
        "flannel.alpha.coreos.com/, flannel.alpha.coreos.com/backend-type",
        "flannel.alpha.coreos.com/prefix, flannel.alpha.coreos.com/prefix-backend-type",
        "flannel.alpha.coreos.com/prefix-, flannel.alpha.coreos.com/prefix-backend-type",
        "org.com, org.com/backend-type",
        "org9.com, org9.com/backend-type",
        "org.com/9, org.com/9-backend-type"
    })
    void completesAsFlannelDoes(String given, String backendType) {
        assertThat(AnnotationPrefix.parse(given).key("backend-type")).isEqualTo(backendType);
    }

    @ParameterizedTest
    @ValueSource(strings = {"org", "org/", "org/prefix", "org.COM", "org.com/PREFIX", "org.com/a/b", ""})
    void refusesWhatFlannelRefuses(String given) {
        assertThatThrownBy(() -> AnnotationPrefix.parse(given))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("\"" + given + "\"");
    }
}
