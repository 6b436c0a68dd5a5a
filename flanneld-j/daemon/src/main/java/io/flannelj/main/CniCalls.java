package io.flannelj.main;

import io.flannelj.cni.CniAnswer;
import io.flannelj.cni.Invocation;
import io.flannelj.cni.engine.CniEngine;
import io.flannelj.cni.server.CniHandler;
import io.flannelj.metrics.MetricNames;
import io.flannelj.netns.Netns;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.io.IOException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The control socket's CNI calls, carried out by the engine. */
final class CniCalls implements CniHandler {
    private static final Logger log = LoggerFactory.getLogger(CniCalls.class);

    private static final Duration[] BUCKETS = {
        Duration.ofMillis(2),
        Duration.ofMillis(5),
        Duration.ofMillis(10),
        Duration.ofMillis(25),
        Duration.ofMillis(50),
        Duration.ofMillis(100),
        Duration.ofMillis(250),
        Duration.ofMillis(500),
        Duration.ofSeconds(1),
        Duration.ofMillis(2500),
        Duration.ofSeconds(10)
    };
    private static final Set<String> COMMANDS = Set.of("ADD", "CHECK", "DEL", "GC", "STATUS", "VERSION");

    private final CniEngine engine;
    private final MeterRegistry registry;

    CniCalls(CniEngine engine, MeterRegistry registry) {
        this.engine = engine;
        this.registry = registry;
    }

    @Override
    public CniAnswer handle(Invocation invocation) {
        Timer.Sample call = Timer.start(registry);
        CniAnswer answer = engine.handle(invocation);
        call.stop(histogram(invocation.variable("CNI_COMMAND"), answer.success()));
        log.debug(
                "CNI {} for {}: {}",
                invocation.variable("CNI_COMMAND"),
                invocation.variable("CNI_CONTAINERID"),
                answer.stdout());
        return answer;
    }

    /** Made once for each command and outcome; another command than CNI's is one, whatever it is called. */
    private Timer histogram(String command, boolean success) {
        return Timer.builder(MetricNames.CNI_CALLS.metric())
                .tags("command", COMMANDS.contains(command) ? command : "other", "outcome", success ? "ok" : "error")
                .description(MetricNames.CNI_CALLS.help())
                .serviceLevelObjectives(BUCKETS)
                .register(registry);
    }

    @Override
    public boolean seesNetns(Invocation call, String identity) {
        try {
            return identity.equals(Netns.identity(Path.of(call.variable("CNI_NETNS"))));
        } catch (IOException | InvalidPathException e) {
            return false;
        }
    }
}
