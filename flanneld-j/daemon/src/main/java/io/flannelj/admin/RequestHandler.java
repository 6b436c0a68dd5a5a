package io.flannelj.admin;

import io.flannelj.admin.Routes.Response;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.socket.DuplexChannel;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.Future;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One request, one answer, and the connection is closed; nothing of what follows the request's headers is kept. Both halves
 * have an end in time, however steadily a slow client sends or takes single bytes.
 */
final class RequestHandler extends ChannelInboundHandlerAdapter {
    private static final Logger log = LoggerFactory.getLogger(RequestHandler.class);

    private static final Duration LONGEST_WORK = Duration.ofSeconds(15);

    private final Routes routes;
    private final HttpLimits limits;
    private final PendingAnswers pending;
    private final HttpCounters counters;
    private boolean answered;
    private @Nullable Future<?> deadline;

    RequestHandler(Routes routes, HttpLimits limits, PendingAnswers pending, HttpCounters counters) {
        this.routes = routes;
        this.limits = limits;
        this.pending = pending;
        this.counters = counters;
    }

    @Override
    public void channelActive(ChannelHandlerContext context) {
        within(
                context,
                limits.toAsk(),
                () -> refuse(
                        context,
                        new Response(
                                HttpResponseStatus.REQUEST_TIMEOUT,
                                Routes.TEXT,
                                "no request came within " + limits.toAsk().toSeconds() + " s\n")));
        context.fireChannelActive();
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        try {
            if (!answered && message instanceof HttpRequest request) {
                Optional<Response> refusal = RequestCheck.refusal(request);
                if (refusal.isPresent()) {
                    refuse(context, refusal.get());
                } else {
                    open(context, request.uri());
                }
            }
        } finally {
            ReferenceCountUtil.release(message);
        }
    }

    private void open(ChannelHandlerContext context, String uri) {
        try {
            Optional<PacketStream> stream = routes.stream(uri);
            if (stream.isPresent()) {
                answered = true;
                cancelDeadline();
                new StreamAnswer(context, stream.get()).begin();
            } else {
                answer(context, routes.answer(uri));
            }
        } catch (RefusedStreamException e) {
            HttpResponseStatus status =
                    e.isTheirs() ? HttpResponseStatus.BAD_REQUEST : HttpResponseStatus.SERVICE_UNAVAILABLE;
            respond(context, new Response(status, Routes.TEXT, e.getMessage() + "\n"), ChannelFutureListener.CLOSE);
        }
    }

    private void answer(ChannelHandlerContext context, CompletableFuture<Response> coming) {
        answered = true;
        if (coming.isDone()) {
            respond(context, coming.join(), ChannelFutureListener.CLOSE);
            return;
        }
        within(context, LONGEST_WORK, context::close);
        coming.thenAcceptAsync(response -> respond(context, response, ChannelFutureListener.CLOSE), context.executor());
    }

    /** A client that still sends would lose the answer by a reset if we closed at once: RFC 9112 §9.6. */
    private void refuse(ChannelHandlerContext context, Response response) {
        counters.refused.incrementAndGet();
        respond(context, response, sent -> ((DuplexChannel) context.channel()).shutdownOutput());
        // From now on bytes are read to be dropped.
        if (context.pipeline().get(HttpServerCodec.class) != null) {
            context.pipeline().remove(HttpServerCodec.class);
        }
    }

    private void respond(ChannelHandlerContext context, Response response, ChannelFutureListener then) {
        answered = true;
        within(context, limits.toTakeTheAnswer(), context::close);
        byte[] whole = response.body().getBytes(StandardCharsets.UTF_8);
        boolean fits = pending.add(whole.length);
        byte[] body = fits ? whole : new byte[0];
        HttpResponseStatus status = fits ? response.status() : HttpResponseStatus.SERVICE_UNAVAILABLE;
        FullHttpResponse message =
                new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, status, Unpooled.wrappedBuffer(body));
        message.headers()
                .set(HttpHeaderNames.CONTENT_TYPE, response.contentType())
                .set(HttpHeaderNames.CONTENT_LENGTH, body.length)
                .set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE)
                .set("x-content-type-options", "nosniff");
        if (response.contentType().equals(Routes.HTML)) {
            message.headers().set(HttpHeaderNames.CONTENT_SECURITY_POLICY, StatusPage.CONTENT_SECURITY_POLICY);
        }
        context.writeAndFlush(message)
                .addListener(sent -> {
                    pending.remove(body.length);
                    if (!sent.isSuccess()) {
                        say(sent.cause());
                    }
                })
                .addListener(then);
    }

    private void within(ChannelHandlerContext context, Duration time, Runnable otherwise) {
        cancelDeadline();
        deadline = context.executor().schedule(otherwise, time.toMillis(), TimeUnit.MILLISECONDS);
    }

    private void cancelDeadline() {
        if (deadline != null) {
            deadline.cancel(false);
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        cancelDeadline();
        context.fireChannelInactive();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        say(cause);
        context.close();
    }

    private static void say(Throwable failure) {
        if (!(failure instanceof IOException)) { // a client that breaks off is its own problem
            log.warn("an HTTP connection failed", failure);
        }
    }
}
