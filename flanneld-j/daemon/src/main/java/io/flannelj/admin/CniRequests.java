package io.flannelj.admin;

import io.netty.buffer.ByteBufUtil;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.unix.DomainSocketReadMode;
import io.netty.channel.unix.FileDescriptor;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.util.ReferenceCountUtil;
import java.io.IOException;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * Takes CNI calls from the control socket; other requests go on to the next handler. A plugin says which namespace it is
 * about ({@code Cni-Netns: descriptor DEVICE:INODE}); where that is not to be found at the call's path, as in a container, one
 * that holds the descriptor is asked for it by an interim response 100.
 */
final class CniRequests extends ChannelInboundHandlerAdapter {
    private static final String PATH = "/v1/cni";
    private static final String NETNS_HEADER = "Cni-Netns";

    private final CniHandler cni;
    private final Executor calls;
    private byte @Nullable [] waiting;

    CniRequests(CniHandler cni, Executor calls) {
        this.cni = cni;
        this.calls = calls;
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        if (message instanceof FileDescriptor netns) {
            byte[] call = waiting;
            waiting = null;
            if (call == null) {
                close(netns);
            } else {
                start(context, call, netns);
            }
        } else if (message instanceof FullHttpRequest request
                && request.uri().equals(PATH)
                && request.method().equals(HttpMethod.POST)) {
            byte[] call = ByteBufUtil.getBytes(request.content());
            String netns = request.headers().get(NETNS_HEADER, "");
            ReferenceCountUtil.release(request);
            take(context, call, netns);
        } else {
            context.fireChannelRead(message);
        }
    }

    private void take(ChannelHandlerContext context, byte[] call, String netns) {
        String how = netns.substring(0, Math.max(0, netns.indexOf(' ')));
        boolean seen = !how.isEmpty() && cni.seesNetns(call, netns.substring(how.length() + 1));
        if (how.equals("descriptor") && !seen && context.channel() instanceof EpollDomainSocketChannel channel) {
            waiting = call;
            channel.config().setReadMode(DomainSocketReadMode.FILE_DESCRIPTORS);
            context.writeAndFlush(new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.CONTINUE));
            return;
        }
        if (how.equals("seen") && !seen) {
            RequestHandler.respond(
                    context,
                    new Routes.Response(
                            HttpResponseStatus.MISDIRECTED_REQUEST, Routes.TEXT, "CNI_NETNS is not to be seen here\n"));
            return;
        }
        start(context, call, null);
    }

    private void start(ChannelHandlerContext context, byte[] call, @Nullable FileDescriptor netns) {
        try {
            calls.execute(() -> {
                try {
                    RequestHandler.respond(context, answer(call, netns));
                } finally {
                    close(netns);
                }
            });
        } catch (RejectedExecutionException e) {
            close(netns);
            RequestHandler.respond(
                    context,
                    new Routes.Response(
                            HttpResponseStatus.SERVICE_UNAVAILABLE,
                            Routes.TEXT,
                            "it is stopping, or has too many CNI calls at once\n"));
        }
    }

    private Routes.Response answer(byte[] call, @Nullable FileDescriptor netns) {
        // By the process's own number, so that programs started from here can open it, too.
        String file = netns == null ? "" : "/proc/" + ProcessHandle.current().pid() + "/fd/" + netns.intValue();
        try {
            CniHandler.Reply reply = cni.handle(call, file);
            return new Routes.Response(
                    reply.success() ? HttpResponseStatus.OK : HttpResponseStatus.UNPROCESSABLE_ENTITY,
                    Routes.APPLICATION_JSON,
                    reply.body());
        } catch (IllegalArgumentException e) {
            return new Routes.Response(HttpResponseStatus.BAD_REQUEST, Routes.TEXT, e.getMessage() + "\n");
        }
    }

    private static void close(@Nullable FileDescriptor descriptor) {
        if (descriptor != null) {
            try {
                descriptor.close();
            } catch (IOException e) {
                return; // it is not ours any more either way
            }
        }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        context.close(); // a client that breaks off or talks nonsense is its own problem
    }
}
