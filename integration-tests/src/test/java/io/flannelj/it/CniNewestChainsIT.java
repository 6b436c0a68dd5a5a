package io.flannelj.it;

import io.flannelj.lab.bench.Peers;
import java.nio.file.Path;

/** The same with the reference plugins' newest release, which {@code integration-tests/peers} builds. */
@NeedsPrivileges
class CniNewestChainsIT extends CniChainsIT {
    @Override
    Path plugins() {
        return Peers.program(".");
    }

    @Override
    String version() {
        return "1.1.0";
    }
}
