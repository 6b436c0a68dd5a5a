package io.flannelj.main;

import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollDomainDatagramChannel;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.unix.DomainSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Tells systemd how far we are, sd_notify(3): a datagram to the socket that NOTIFY_SOCKET names. */
final class SdNotify {
    private static final Logger log = LoggerFactory.getLogger(SdNotify.class);

    private final @Nullable String socket;

    SdNotify(@Nullable String socket) {
        this.socket = socket;
    }

    void ready() {
        send("READY=1");
    }

    void stopping() {
        send("STOPPING=1");
    }

    private void send(String state) {
        if (socket == null || socket.isEmpty()) {
            return;
        }
        // '@' stands for the zero byte that begins an abstract name.
        String path = socket.charAt(0) == '@' ? "\0" + socket.substring(1) : socket;
        MultiThreadIoEventLoopGroup group = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
        try {
            Channel channel = new Bootstrap()
                    .group(group)
                    .channel(EpollDomainDatagramChannel.class)
                    .handler(new ChannelInboundHandlerAdapter())
                    .connect(new DomainSocketAddress(path)) // not connected, it would refuse every write
                    .syncUninterruptibly()
                    .channel();
            channel.writeAndFlush(Unpooled.copiedBuffer(state, StandardCharsets.UTF_8))
                    .syncUninterruptibly();
        } catch (Exception e) { // Netty throws what the kernel said, declared or not
            log.warn(
                    "cannot tell systemd {} at {}: {}",
                    state,
                    socket,
                    e.getMessage() == null ? "nobody listens there" : e.getMessage());
        } finally {
            group.shutdownGracefully(0, 1, TimeUnit.SECONDS);
        }
    }
}
