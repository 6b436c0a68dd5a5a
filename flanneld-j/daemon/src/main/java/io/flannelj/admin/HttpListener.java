package io.flannelj.admin;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.FixedRecvByteBufAllocator;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.concurrent.TimeUnit;

/**
 * One listening socket with a thread and memory of its own, so that what clients do to one is felt nowhere else: not by the
 * other listeners, and not by the data path, whose memory comes from another allocator.
 */
final class HttpListener implements AutoCloseable {
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

    /**
     * Listens.
     *
     * @param name of its thread
     * @param what how messages call it
     * @throws IOException when the address is taken; names it
     */
    static HttpListener open(
            SocketAddress address, String name, String what, HttpLimits limits, Routes routes, HttpCounters counters)
            throws IOException {
        EventLoopGroup loop =
                new MultiThreadIoEventLoopGroup(1, new DefaultThreadFactory(name, true), EpollIoHandler.newFactory());
        PendingAnswers pending = new PendingAnswers(limits.answerBytes());
        PooledByteBufAllocator memory = new PooledByteBufAllocator(true, 0, 1, PAGE_BYTES, CHUNK_ORDER, 0, 0, false);
        ServerBootstrap bootstrap = new ServerBootstrap()
                .group(loop)
                .channel(
                        address instanceof InetSocketAddress
                                ? EpollServerSocketChannel.class
                                : EpollServerDomainSocketChannel.class)
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
        try {
            return new HttpListener(
                    loop, bootstrap.bind(address).syncUninterruptibly().channel());
        } catch (Exception e) { // Netty throws the checked IOException unchecked
            loop.shutdownGracefully(0, 1, TimeUnit.SECONDS);
            throw new IOException("cannot listen at " + what + ": " + e.getMessage(), e);
        }
    }

    /** The address in force. */
    SocketAddress address() {
        return channel.localAddress();
    }

    @Override
    public void close() {
        channel.close().awaitUninterruptibly(1, TimeUnit.SECONDS);
        loop.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly(3, TimeUnit.SECONDS);
    }
}
