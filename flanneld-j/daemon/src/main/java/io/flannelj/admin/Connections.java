package io.flannelj.admin;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.LinkedHashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The open connections of one listener, bounded in number. Where there are too many, the oldest is closed and the new one
 * accepted: who asks at once is answered, however many others sit there. Stands in front of the acceptor; confined to the
 * listener's event loop.
 */
final class Connections extends ChannelInboundHandlerAdapter {
    private static final Logger log = LoggerFactory.getLogger(Connections.class);
    private static final long SAY_AGAIN_AFTER_NANOS = 600_000_000_000L;

    private final HttpLimits limits;
    private final String listener;
    private final HttpCounters counters;
    private final Set<Channel> open = new LinkedHashSet<>(); // the oldest first
    private long saidAt = System.nanoTime() - SAY_AGAIN_AFTER_NANOS;

    /**
     * @param listener how log lines call it
     */
    Connections(HttpLimits limits, String listener, HttpCounters counters) {
        this.limits = limits;
        this.listener = listener;
        this.counters = counters;
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        Channel accepted = (Channel) message;
        InetAddress source = source(accepted);
        if (source != null
                && open.stream().filter(each -> source.equals(source(each))).count()
                        >= limits.connectionsOfOneSource()) {
            closeOldest(source);
        } else if (open.size() >= limits.connections()) {
            closeOldest(null);
        }
        open.add(accepted);
        accepted.closeFuture().addListener(done -> open.remove(accepted));
        context.fireChannelRead(accepted);
    }

    /** @param source of this address; null for the oldest of all */
    private void closeOldest(@Nullable InetAddress source) {
        for (Channel each : open) {
            if (source == null || source.equals(source(each))) {
                say(each);
                counters.closed.incrementAndGet();
                open.remove(each);
                each.close();
                return;
            }
        }
    }

    private void say(Channel oldest) {
        if (System.nanoTime() - saidAt >= SAY_AGAIN_AFTER_NANOS) {
            saidAt = System.nanoTime();
            log.warn(
                    "connections to {} were closed to make room: more than {} of one address or {} in all are open; the first"
                            + " was {}. Let --healthz-ip and --metrics-ip name an address that only those reach who shall ask",
                    listener,
                    limits.connectionsOfOneSource(),
                    limits.connections(),
                    oldest.remoteAddress());
        }
    }

    private static @Nullable InetAddress source(Channel channel) {
        SocketAddress remote = channel.remoteAddress();
        return remote instanceof InetSocketAddress internet ? internet.getAddress() : null;
    }
}
