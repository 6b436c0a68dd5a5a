package io.flannelj.admin;

import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/** Answers one request and closes the connection. CNI calls are taken on the control socket only. */
final class RequestHandler extends SimpleChannelInboundHandler<FullHttpRequest> {
    private static final String CNI_PATH = "/v1/cni";
    private static final String[] CNI_VARIABLES = {
        "CNI_COMMAND", "CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_ARGS", "CNI_PATH"
    };

    private final Routes routes;
    private final @Nullable CniHandler cni;
    private final ExecutorService cniCalls;

    RequestHandler(Routes routes, @Nullable CniHandler cni, ExecutorService cniCalls) {
        this.routes = routes;
        this.cni = cni;
        this.cniCalls = cniCalls;
    }

    @Override
    protected void channelRead0(ChannelHandlerContext context, FullHttpRequest request) {
        CniHandler handler = cni;
        if (handler != null
                && request.uri().equals(CNI_PATH)
                && request.method().equals(HttpMethod.POST)) {
            Map<String, String> variables = variables(request);
            String stdin = request.content().toString(StandardCharsets.UTF_8);
            try {
                cniCalls.execute(() -> respond(context, call(handler, variables, stdin)));
            } catch (RejectedExecutionException e) {
                respond(
                        context,
                        new Routes.Response(
                                HttpResponseStatus.SERVICE_UNAVAILABLE, Routes.TEXT, "too many CNI calls at once\n"));
            }
            return;
        }
        respond(context, routes.answer(request.method(), request.uri()));
    }

    private static Routes.Response call(CniHandler handler, Map<String, String> variables, String stdin) {
        CniHandler.Reply reply = handler.handle(variables, stdin);
        HttpResponseStatus status = reply.success() ? HttpResponseStatus.OK : HttpResponseStatus.UNPROCESSABLE_ENTITY;
        return new Routes.Response(status, Routes.APPLICATION_JSON, reply.body());
    }

    /** {@code CNI_COMMAND} travels as the header {@code Cni-Command}. */
    private static Map<String, String> variables(FullHttpRequest request) {
        Map<String, String> variables = new TreeMap<>();
        for (String name : CNI_VARIABLES) {
            String value = request.headers().get(name.replace('_', '-'));
            if (value != null) {
                variables.put(name, value);
            }
        }
        return variables;
    }

    private static void respond(ChannelHandlerContext context, Routes.Response response) {
        FullHttpResponse message = new DefaultFullHttpResponse(
                HttpVersion.HTTP_1_1,
                response.status(),
                Unpooled.copiedBuffer(response.body(), StandardCharsets.UTF_8));
        message.headers()
                .set(HttpHeaderNames.CONTENT_TYPE, response.contentType())
                .set(HttpHeaderNames.CONTENT_LENGTH, message.content().readableBytes())
                .set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
        context.writeAndFlush(message).addListener(ChannelFutureListener.CLOSE);
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        context.close(); // a client that breaks off or talks nonsense is its own problem
    }
}
