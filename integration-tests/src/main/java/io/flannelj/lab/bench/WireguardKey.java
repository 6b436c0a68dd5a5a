package io.flannelj.lab.bench;

import java.io.IOException;
import java.math.BigInteger;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.interfaces.XECPrivateKey;
import java.security.interfaces.XECPublicKey;
import java.util.Arrays;
import java.util.HexFormat;

/** A key pair as WireGuard's configuration protocol writes it (wireguard.com/xplatform), and that protocol. */
record WireguardKey(String privateHex, String publicHex) {
    private static final int BYTES = 32;

    static WireguardKey random() throws IOException {
        try {
            KeyPair pair = KeyPairGenerator.getInstance("X25519").generateKeyPair();
            byte[] secret = ((XECPrivateKey) pair.getPrivate()).getScalar().orElseThrow();
            BigInteger u = ((XECPublicKey) pair.getPublic()).getU();
            return new WireguardKey(
                    HexFormat.of().formatHex(secret), HexFormat.of().formatHex(littleEndian(u)));
        } catch (GeneralSecurityException e) {
            throw new IOException("this Java has no X25519", e);
        }
    }

    private static byte[] littleEndian(BigInteger number) {
        byte[] big = number.toByteArray();
        byte[] little = new byte[BYTES];
        for (int i = 0; i < Math.min(BYTES, big.length); i++) {
            little[i] = big[big.length - 1 - i];
        }
        return Arrays.copyOf(little, BYTES);
    }

    /** Sets a device up; lines end with a newline each. */
    static void configure(String device, String lines) throws IOException {
        UnixDomainSocketAddress socket = UnixDomainSocketAddress.of(Path.of("/var/run/wireguard", device + ".sock"));
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            channel.connect(socket);
            channel.write(ByteBuffer.wrap(("set=1\n" + lines + "\n").getBytes(StandardCharsets.US_ASCII)));
            ByteBuffer answer = ByteBuffer.allocate(256);
            channel.read(answer);
            String text = new String(answer.array(), 0, answer.position(), StandardCharsets.US_ASCII);
            if (!text.contains("errno=0")) {
                throw new IOException("wireguard-go answered " + text.strip());
            }
        }
    }
}
