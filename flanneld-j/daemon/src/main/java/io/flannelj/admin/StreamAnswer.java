package io.flannelj.admin;

import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.concurrent.ScheduledFuture;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An answer that goes on until its stream or its client ends. Nothing is taken out of the stream while the client has not taken
 * what it was given before: then the stream loses packets, and nobody else waits. A client that takes nothing for
 * {@link #LONGEST_STALL} is left. Confined to its listener's event loop.
 */
final class StreamAnswer {
    private static final Logger log = LoggerFactory.getLogger(StreamAnswer.class);
    private static final int LOOK_EVERY_MILLIS = 10;
    private static final int CHUNK_BYTES = 64 * 1024;
    private static final int MOST_BYTES_AT_ONCE = 2 << 20;
    static final Duration LONGEST_STALL = Duration.ofSeconds(30);

    private final ChannelHandlerContext context;
    private final PacketStream stream;
    private @Nullable ScheduledFuture<?> looks;
    private long takenAtNanos = System.nanoTime();

    StreamAnswer(ChannelHandlerContext context, PacketStream stream) {
        this.context = context;
        this.stream = stream;
    }

    /** Sends the headers, and then whatever comes. */
    void begin() {
        HttpResponse head = new DefaultHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.OK);
        head.headers()
                .set(HttpHeaderNames.CONTENT_TYPE, "application/octet-stream")
                .set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE); // the connection's end is the body's
        looks = context.executor().scheduleWithFixedDelay(this::look, 0, LOOK_EVERY_MILLIS, TimeUnit.MILLISECONDS);
        context.writeAndFlush(head);
        context.channel().closeFuture().addListener(closed -> end());
    }

    private void look() {
        try {
            send();
        } catch (RuntimeException e) {
            log.warn("packets cannot be shown any more", e);
            context.close();
        }
    }

    private void send() {
        long now = System.nanoTime();
        if (!context.channel().isWritable()) {
            if (now - takenAtNanos > LONGEST_STALL.toNanos()) {
                context.close();
            }
            return;
        }
        takenAtNanos = now;
        int sent = 0;
        while (context.channel().isWritable() && sent < MOST_BYTES_AT_ONCE) {
            byte[] bytes = stream.next(CHUNK_BYTES);
            if (bytes.length == 0) {
                break;
            }
            sent += bytes.length;
            context.writeAndFlush(new DefaultHttpContent(Unpooled.wrappedBuffer(bytes)));
        }
        if (stream.isOver()) {
            end();
            context.writeAndFlush(LastHttpContent.EMPTY_LAST_CONTENT).addListener(ChannelFutureListener.CLOSE);
        }
    }

    private void end() {
        if (looks != null) {
            looks.cancel(false);
            looks = null;
            stream.close();
        }
    }
}
