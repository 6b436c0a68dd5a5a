package io.flannelj.admin;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.ServerChannel;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.unix.DomainSocketAddress;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * The daemon's HTTP servers: health, metrics and status page, on TCP for everybody and on the control socket for
 * root. One event loop of its own.
 */
public final class AdminServer implements AutoCloseable {
    private static final int MAX_BODY_BYTES = 64 << 10;

    private final EventLoopGroup group = new MultiThreadIoEventLoopGroup(
            1, new DefaultThreadFactory("flannel-admin", true), EpollIoHandler.newFactory());
    private final Routes routes;
    private final List<Channel> channels = new ArrayList<>();
    private final List<Path> socketFiles = new ArrayList<>();

    public AdminServer(DaemonView daemon) {
        this.routes = new Routes(daemon);
    }

    /**
     * Listens on TCP.
     *
     * @return the address in force
     * @throws IOException when the port is taken; names it
     */
    public InetSocketAddress listen(InetSocketAddress address) throws IOException {
        Channel channel = bind(address, EpollServerSocketChannel.class, "--healthz-port " + address.getPort());
        return (InetSocketAddress) channel.localAddress();
    }

    /**
     * Listens on the control socket, mode 0600. What a killed daemon left is replaced; a living one is not.
     *
     * @throws IOException when another daemon answers there, or the directory cannot be written
     */
    public void listen(Path socket) throws IOException {
        if (isAnswering(socket)) {
            throw new IOException(
                    "another flanneld-j answers at " + socket + "; stop it, or tell the two apart by --instance");
        }
        Files.deleteIfExists(socket); // nobody listens: a killed daemon left it
        Files.createDirectories(socket.toAbsolutePath().getParent());
        bind(
                new DomainSocketAddress(socket.toString()),
                EpollServerDomainSocketChannel.class,
                "--control-socket " + socket);
        Files.setPosixFilePermissions(socket, PosixFilePermissions.fromString("rw-------"));
        socketFiles.add(socket);
    }

    /** Whether a daemon listens on that control socket. */
    public static boolean isAnswering(Path socket) {
        if (!Files.exists(socket)) {
            return false;
        }
        try (SocketChannel other = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            return other.connect(UnixDomainSocketAddress.of(socket));
        } catch (IOException e) {
            return false;
        }
    }

    private Channel bind(SocketAddress address, Class<? extends ServerChannel> type, String what) throws IOException {
        ServerBootstrap bootstrap = new ServerBootstrap()
                .group(group)
                .channel(type)
                .childHandler(new ChannelInitializer<Channel>() {
                    @Override
                    protected void initChannel(Channel channel) {
                        channel.pipeline()
                                .addLast(
                                        new HttpServerCodec(),
                                        new HttpObjectAggregator(MAX_BODY_BYTES),
                                        new RequestHandler(routes));
                    }
                });
        try {
            Channel channel = bootstrap.bind(address).syncUninterruptibly().channel();
            channels.add(channel);
            return channel;
        } catch (Exception e) { // Netty throws the checked IOException unchecked
            throw new IOException("cannot listen on " + what + ": " + e.getMessage(), e);
        }
    }

    @Override
    public void close() {
        // A successor listens as soon as the control socket is gone: that goes last, and its file before it.
        List<Channel> others = new ArrayList<>(channels);
        Collections.reverse(others);
        for (Channel channel : others) {
            if (channel instanceof EpollServerDomainSocketChannel) {
                socketFiles.forEach(file -> file.toFile().delete()); // where it stays, the next start replaces it
            }
            channel.close().awaitUninterruptibly(1, TimeUnit.SECONDS);
        }
        group.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly(3, TimeUnit.SECONDS);
    }
}
