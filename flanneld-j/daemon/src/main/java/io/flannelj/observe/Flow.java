package io.flannelj.observe;

/**
 * Packets of one flow with one verdict, added up.
 *
 * @param first of them
 * @param packets how many; a super-packet counts as those that it stands for
 * @param bytes of all, from the inner IP header on
 */
public record Flow(PacketEvent first, long packets, long bytes) {
    Flow plus(PacketEvent more) {
        return new Flow(first, packets + more.packets(), bytes + more.innerLength());
    }

    static Flow of(PacketEvent event) {
        return new Flow(event, event.packets(), event.innerLength());
    }
}
