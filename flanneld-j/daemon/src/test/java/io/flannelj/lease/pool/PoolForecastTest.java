package io.flannelj.lease.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.config.NetworkConfig;
import io.flannelj.lease.PodSubnets;
import io.flannelj.net.Cidr;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

class PoolForecastTest {
    private static final Instant NOON = Instant.parse("2026-11-25T12:00:00Z");

    @Test
    void aPoolThatShrinksRunsOut() {
        PoolForecast forecast = new PoolForecast();
        forecast.sample(NOON, 100);
        assertThat(forecast.untilExhausted()).as("one sample").isEmpty();
        forecast.sample(NOON.plus(Duration.ofHours(1)), 80);

        assertThat(forecast.untilExhausted()).hasValue(Duration.ofHours(4));
        forecast.sample(NOON.plus(Duration.ofHours(2)), 100);
        assertThat(forecast.untilExhausted()).as("it has grown again").isEmpty();
        forecast.sample(NOON.plus(Duration.ofHours(3)), 0);
        assertThat(forecast.untilExhausted()).hasValue(Duration.ZERO);
    }

    @Test
    void yesterdayIsForgotten() {
        PoolForecast forecast = new PoolForecast();
        forecast.sample(NOON, 1000);
        forecast.sample(NOON.plus(Duration.ofHours(1)), 100);
        forecast.sample(NOON.plus(Duration.ofHours(30)), 100);

        assertThat(forecast.untilExhausted()).isEmpty();
    }

    @Test
    void whatIsLeasedInPartIsNotFree() throws Exception {
        NetworkConfig config = NetworkConfig.parse("{\"Network\": \"10.3.0.0/20\"}");
        PoolUsage usage = PoolUsage.of(
                config,
                List.of(
                        PodSubnets.of(Cidr.parse("10.3.4.0/24")),
                        PodSubnets.of(Cidr.parse("10.3.9.128/25")),
                        PodSubnets.of(Cidr.parse("10.9.0.0/24"))));

        assertThat(usage).isEqualTo(new PoolUsage(15, 13));
    }
}
