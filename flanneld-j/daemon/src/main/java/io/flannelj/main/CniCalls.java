package io.flannelj.main;

import io.flannelj.cni.CniAnswer;
import io.flannelj.cni.Invocation;
import io.flannelj.cni.engine.CniEngine;
import io.flannelj.cni.server.CniHandler;
import io.flannelj.netns.Netns;
import java.io.IOException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The control socket's CNI calls, carried out by the engine. */
final class CniCalls implements CniHandler {
    private static final Logger log = LoggerFactory.getLogger(CniCalls.class);

    private final CniEngine engine;

    CniCalls(CniEngine engine) {
        this.engine = engine;
    }

    @Override
    public CniAnswer handle(Invocation invocation) {
        CniAnswer answer = engine.handle(invocation);
        log.debug(
                "CNI {} for {}: {}",
                invocation.variable("CNI_COMMAND"),
                invocation.variable("CNI_CONTAINERID"),
                answer.stdout());
        return answer;
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
