package io.flannelj.main;

import io.flannelj.admin.AdminServer;
import io.flannelj.cni.server.CniHandler;
import io.flannelj.cni.server.CniServer;
import io.flannelj.cni.shim.Shim;
import io.flannelj.config.AdminOptions.HttpAddress;
import io.flannelj.config.DaemonOptions;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where this node's daemon is reached: control socket, CNI socket and HTTP ports. It is also what tells that there is another
 * one: who is to follow it ({@code --await-predecessor}) prepares everything, waits here until that has stopped, and takes
 * over within milliseconds.
 */
final class Endpoints implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Endpoints.class);
    private static final int LOOK_EVERY_MILLIS = 20;

    private final AdminServer admin;
    private final CniHandler cni;
    private final DaemonOptions options;
    private @Nullable CniServer cniServer;
    private boolean open;

    Endpoints(AdminServer admin, CniHandler cni, DaemonOptions options) {
        this.admin = admin;
        this.cni = cni;
        this.options = options;
    }

    /**
     * Opens, unless a predecessor is there that shall be awaited.
     *
     * @throws IOException when another daemon answers that shall not, or an address is taken; names it
     */
    void openUnlessTaken() throws IOException {
        if (isTaken()) {
            log.info(
                    "another flanneld-j answers at {}; preparing, to take over when it has stopped",
                    options.admin().controlSocket());
            return;
        }
        open();
    }

    /** Opens as soon as the predecessor has stopped, or gives up. */
    void awaitOpen(BooleanSupplier givenUp) throws IOException, InterruptedException {
        while (!open && !givenUp.getAsBoolean()) {
            if (isTaken()) {
                Thread.sleep(LOOK_EVERY_MILLIS);
            } else {
                log.info("the other flanneld-j has stopped; taking over");
                open();
            }
        }
    }

    private boolean isTaken() {
        return options.handover().awaitPredecessor()
                && AdminServer.isAnswering(options.admin().controlSocket());
    }

    private void open() throws IOException {
        admin.listen(options.admin().controlSocket());
        cniServer = CniServer.open(
                Path.of(Shim.cniSocket(options.admin().controlSocket().toString())), cni);
        if (options.admin().healthz().port() > 0) {
            admin.listen(address(options.admin().healthz()));
        }
        if (options.admin().metrics().port() > 0) {
            admin.listenForMetrics(address(options.admin().metrics()));
        }
        open = true;
    }

    private static InetSocketAddress address(HttpAddress http) throws IOException {
        return new InetSocketAddress(InetAddress.getByAddress(http.ip().toBytes()), http.port());
    }

    /** Pods first: a successor takes over when the control socket goes, which is the HTTP server's to close. */
    @Override
    public void close() {
        if (cniServer != null) {
            cniServer.close();
        }
    }
}
