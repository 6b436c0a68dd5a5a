package io.flannelj.admin;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One node in what {@code GET /v1/peers} answers. Counters are null for backends without a data path of their own.
 *
 * @param subnet its lease; the key in the store where that cannot be read
 * @param publicIp where its tunnel ends; empty where it is not known
 * @param backend type of its lease; flannel leaves it empty for udp
 * @param superPackets how packets that are longer than the path takes leave for it: {@code uncut} by a TAP device, and the kernel
 *     or the network card cuts them; {@code segmented} here, and sent as runs; {@code separate}, cut here, and sent one by one.
 *     Of two families the slower; null where nothing of ours sends to it
 * @param paths what probes say of the ways to it, one for each address family; null where there are no probes
 * @param problem why nothing is sent to it, with the remedy; null when it can be used
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record PeerDocument(
        String subnet,
        String publicIp,
        String backend,
        @Nullable Long packetsOut,
        @Nullable Long bytesOut,
        @Nullable Long packetsIn,
        @Nullable Long bytesIn,
        @Nullable String superPackets,
        @Nullable List<PathDocument> paths,
        @Nullable String problem) {}
