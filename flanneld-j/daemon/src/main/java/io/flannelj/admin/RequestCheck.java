package io.flannelj.admin;

import io.flannelj.admin.Routes.Response;
import io.netty.handler.codec.TooLongFrameException;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import java.util.Optional;

/** What of a request is refused before anybody looks at its path: RFC 9110, RFC 9112. */
final class RequestCheck {
    private RequestCheck() {}

    /** Why it is refused; empty for a request that can be answered. */
    static Optional<Response> refusal(HttpRequest request) {
        if (request.decoderResult().isFailure()) {
            return Optional.of(
                    request.decoderResult().cause() instanceof TooLongFrameException
                            ? refused(
                                    HttpResponseStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
                                    "a request line may have " + HttpLimits.REQUEST_LINE_BYTES + " bytes and headers "
                                            + HttpLimits.HEADER_BYTES)
                            : refused(HttpResponseStatus.BAD_REQUEST, "this is not an HTTP/1.1 request"));
        }
        if (request.protocolVersion().majorVersion() != 1) {
            return Optional.of(refused(HttpResponseStatus.HTTP_VERSION_NOT_SUPPORTED, "HTTP/1.1 is spoken here"));
        }
        if (!request.method().equals(HttpMethod.GET) && !request.method().equals(HttpMethod.HEAD)) {
            return Optional.of(refused(HttpResponseStatus.METHOD_NOT_ALLOWED, "only GET is answered here"));
        }
        if (request.headers().contains(HttpHeaderNames.TRANSFER_ENCODING)
                || request.headers().getAll(HttpHeaderNames.CONTENT_LENGTH).stream()
                        .anyMatch(length -> !length.equals("0"))) {
            return Optional.of(refused(HttpResponseStatus.REQUEST_ENTITY_TOO_LARGE, "requests have no body here"));
        }
        int hosts = request.headers().getAll(HttpHeaderNames.HOST).size();
        if (hosts > 1 || hosts == 0 && request.protocolVersion().minorVersion() > 0) { // RFC 9112 §3.2
            return Optional.of(refused(HttpResponseStatus.BAD_REQUEST, "a request names one Host"));
        }
        return Optional.empty();
    }

    private static Response refused(HttpResponseStatus status, String why) {
        return new Response(status, Routes.TEXT, why + "\n");
    }
}
