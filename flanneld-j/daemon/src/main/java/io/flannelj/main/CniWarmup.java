package io.flannelj.main;

import io.flannelj.cni.Invocation;
import io.flannelj.cni.engine.Warmup;
import io.flannelj.cni.shim.Frames;
import io.flannelj.cni.shim.Shim;
import io.flannelj.config.DaemonOptions;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs CNI calls, once, after the start, so that their code is compiled for the first pods: what the engine does, in namespaces of its own, and how a
 * call comes in, by calls that are refused. A host that does not allow it costs the first pods some milliseconds.
 */
final class CniWarmup {
    private static final Logger log = LoggerFactory.getLogger(CniWarmup.class);
    private static final int CALLS = 3000;

    private final DaemonOptions options;
    private final BooleanSupplier goOn;

    /** @param goOn asked before every round */
    CniWarmup(DaemonOptions options, BooleanSupplier goOn) {
        this.options = options;
        this.goOn = goOn;
    }

    void run() {
        try {
            Path directory = Path.of(options.paths().subnetFile() + ".warmup");
            int rounds = new Warmup(directory).run(options.cniWarmup(), goOn);
            for (int i = 0; i < CALLS && goOn.getAsBoolean(); i++) {
                call();
            }
            log.debug("warmed up for CNI calls, {} rounds", rounds);
        } catch (IOException e) {
            log.debug("no warmup for CNI calls: {}", e.getMessage());
        }
    }

    private void call() throws IOException {
        Invocation refused =
                new Invocation(Map.of("CNI_COMMAND", "WARMUP"), "{\"cniVersion\":\"1.0.0\",\"name\":\"warmup\"}");
        String cniSocket = Shim.cniSocket(options.admin().controlSocket().toString());
        try (SocketChannel daemon = SocketChannel.open(UnixDomainSocketAddress.of(cniSocket))) {
            ByteBuffer request = ByteBuffer.wrap(Frames.call(refused, ""));
            while (request.hasRemaining()) {
                daemon.write(request);
            }
            ByteBuffer answer = ByteBuffer.allocate(4096);
            while (daemon.read(answer) >= 0) {
                answer.clear();
            }
        }
    }
}
