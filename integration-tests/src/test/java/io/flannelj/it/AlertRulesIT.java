package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.flannelj.lab.Commands;
import org.junit.jupiter.api.Test;

/** The alert rules as Prometheus itself reads them. */
class AlertRulesIT {
    @Test
    void prometheusTakesTheRules() {
        assumeTrue(Commands.exists("promtool"), "no promtool: apt-get install prometheus");
        Commands.Result check =
                Commands.run("promtool", "check", "rules", "../deploy/chart/flanneld-j/files/alerts.yml");
        assertThat(check.exitStatus())
                .as("%s%s", check.output(), check.errors())
                .isZero();
    }
}
