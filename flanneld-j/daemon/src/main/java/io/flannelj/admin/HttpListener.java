package io.flannelj.admin;

import io.flannelj.net.PlainText;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.FixedRecvByteBufAllocator;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.ServerChannel;
import io.netty.channel.epoll.EpollChannelOption;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.socket.SocketProtocolFamily;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.net.Inet4Address;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.nio.channels.ServerSocketChannel;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One listening socket with a thread and memory of its own, so that what clients do to one is felt nowhere else: not by the
 * other listeners, and not by the data path, whose memory comes from another allocator.
 */
final class HttpListener implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(HttpListener.class);

    /** Connections taken in one turn of the loop: those of the turn before are read in between. */
    private static final int ACCEPTED_AT_ONCE = 4;

    private static final int READ_BYTES = 2048;
    private static final int PAGE_BYTES = 8192;
    private static final int CHUNK_ORDER = 4; // chunks of 128 KiB: Netty takes runs of up to 64 KiB out of one

    private final EventLoopGroup loop;
    private final Channel channel;

    private HttpListener(EventLoopGroup loop, Channel channel) {
        this.loop = loop;
        this.channel = channel;
    }

    /** Who else may listen at the same port. */
    enum Sharing {
        /** Nobody. */
        NONE,
        /** This process, at a more particular address. That nobody else does is looked at before. */
        OF_THIS_PROCESS,
        /** As {@link #OF_THIS_PROCESS}, and it does already. */
        WITH_OURS
    }

    /**
     * Listens.
     *
     * @param sharing who else may
     * @param name of its thread
     * @param what how messages call it
     * @throws IOException when the address is taken; names it
     */
    static HttpListener open(
            SocketAddress address,
            Sharing sharing,
            String name,
            String what,
            HttpLimits limits,
            Routes routes,
            HttpCounters counters)
            throws IOException {
        if (sharing == Sharing.OF_THIS_PROCESS) {
            requireFree((InetSocketAddress) address, what);
        }
        EventLoopGroup loop =
                new MultiThreadIoEventLoopGroup(1, new DefaultThreadFactory(name, true), EpollIoHandler.newFactory());
        PendingAnswers pending = new PendingAnswers(limits.answerBytes());
        PooledByteBufAllocator memory = new PooledByteBufAllocator(true, 0, 1, PAGE_BYTES, CHUNK_ORDER, 0, 0, false);
        ServerBootstrap bootstrap = new ServerBootstrap()
                .group(loop)
                .channelFactory(() -> serverChannel(address))
                .handler(new Connections(limits, what, counters))
                .option(
                        ChannelOption.RECVBUF_ALLOCATOR,
                        new FixedRecvByteBufAllocator(READ_BYTES).maxMessagesPerRead(ACCEPTED_AT_ONCE))
                .childOption(ChannelOption.ALLOCATOR, memory)
                .childOption(
                        ChannelOption.RECVBUF_ALLOCATOR,
                        new FixedRecvByteBufAllocator(READ_BYTES).maxMessagesPerRead(1))
                .childHandler(new ChannelInitializer<Channel>() {
                    @Override
                    protected void initChannel(Channel client) {
                        client.pipeline()
                                .addLast(
                                        new HttpServerCodec(new HttpDecoderConfig()
                                                .setMaxInitialLineLength(HttpLimits.REQUEST_LINE_BYTES)
                                                .setMaxHeaderSize(HttpLimits.HEADER_BYTES)
                                                .setMaxChunkSize(READ_BYTES)),
                                        new RequestHandler(routes, limits, pending, counters));
                    }
                });
        if (sharing != Sharing.NONE) {
            bootstrap.option(EpollChannelOption.SO_REUSEPORT, true);
        }
        try {
            return new HttpListener(
                    loop, bootstrap.bind(address).syncUninterruptibly().channel());
        } catch (Exception e) { // Netty throws the checked IOException unchecked
            loop.shutdownGracefully(0, 1, TimeUnit.SECONDS);
            throw new IOException(
                    "cannot listen at " + what + ": " + PlainText.withoutCall(String.valueOf(e.getMessage())), e);
        }
    }

    /** A port that is shared would be shared with another daemon's, and connections spread over both. */
    private static void requireFree(InetSocketAddress address, String what) throws IOException {
        try (ServerSocketChannel trial = ServerSocketChannel.open(
                address.getAddress() instanceof Inet4Address
                        ? StandardProtocolFamily.INET
                        : StandardProtocolFamily.INET6)) {
            trial.setOption(StandardSocketOptions.SO_REUSEADDR, true).bind(address, 1);
        } catch (IOException e) {
            throw new IOException("cannot listen at " + what + ": " + e.getMessage(), e);
        }
    }

    /** 0.0.0.0 means every IPv4 address: a socket of both families would listen on IPv6 as well. */
    private static ServerChannel serverChannel(SocketAddress address) {
        if (!(address instanceof InetSocketAddress internet)) {
            return new EpollServerDomainSocketChannel();
        }
        return new EpollServerSocketChannel(
                internet.getAddress() instanceof Inet4Address ? SocketProtocolFamily.INET : SocketProtocolFamily.INET6);
    }

    /** The address in force. */
    SocketAddress address() {
        return channel.localAddress();
    }

    /** Runs a task on the listener's thread again and again until the listener is closed; the task must not block. */
    void repeat(Duration every, Runnable task) {
        loop.scheduleAtFixedRate(
                () -> {
                    try {
                        task.run();
                    } catch (RuntimeException e) { // else this would have been the last time
                        log.warn("a task of the HTTP server failed", e);
                    }
                },
                0,
                every.toMillis(),
                TimeUnit.MILLISECONDS);
    }

    @Override
    public void close() {
        channel.close().awaitUninterruptibly(1, TimeUnit.SECONDS);
        loop.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly(3, TimeUnit.SECONDS);
    }
}
