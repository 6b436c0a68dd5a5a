package io.flannelj.lab;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * A TCP proxy on the loopback of the caller's namespace that holds a server's answers back from a chosen request on. Requests
 * go on to the server: what is asked is done, and nobody hears of it.
 */
public final class AnswerProxy implements AutoCloseable {
    private static final int BUFFER_BYTES = 64 * 1024;

    private final ServerSocket listener;
    private final int serverPort;
    private final List<Socket> sockets = new CopyOnWriteArrayList<>();
    private String chosen = "";
    private boolean holding;
    private boolean closed;

    private AnswerProxy(ServerSocket listener, int serverPort) {
        this.listener = listener;
        this.serverPort = serverPort;
    }

    /** Begins to listen, in the network namespace of the calling thread. */
    public static AnswerProxy to(int serverPort) throws IOException {
        AnswerProxy proxy = new AnswerProxy(new ServerSocket(0, 50, InetAddress.getLoopbackAddress()), serverPort);
        run("proxy-accept", proxy::accept);
        return proxy;
    }

    public String url() {
        return "http://127.0.0.1:" + listener.getLocalPort();
    }

    /** From the first request on whose bytes contain this text, no answer comes. */
    public synchronized void holdAnswersTo(String text) {
        chosen = text;
    }

    /** Whether such a request was seen. */
    public synchronized boolean isHolding() {
        return holding;
    }

    /** Answers come again, those that were held first. */
    public synchronized void passAnswers() {
        chosen = "";
        holding = false;
        notifyAll();
    }

    /** The held answers never come: connections are broken off, and new ones pass. */
    public synchronized void dropAnswers() {
        sockets.forEach(AnswerProxy::end);
        passAnswers();
    }

    private void accept() {
        try {
            while (true) {
                Socket client = listener.accept();
                Socket server = new Socket(InetAddress.getLoopbackAddress(), serverPort);
                sockets.addAll(List.of(client, server));
                run("proxy-requests", () -> copy(client, server, true));
                run("proxy-answers", () -> copy(server, client, false));
            }
        } catch (IOException e) {
            end(listener); // closed, or the server is gone
        }
    }

    private void copy(Socket from, Socket to, boolean requests) {
        byte[] buffer = new byte[BUFFER_BYTES];
        try (from;
                to) {
            InputStream in = from.getInputStream();
            OutputStream out = to.getOutputStream();
            for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
                if (requests) {
                    look(new String(buffer, 0, read, StandardCharsets.ISO_8859_1));
                } else {
                    awaitPassing();
                }
                out.write(buffer, 0, read);
            }
        } catch (IOException e) {
            end(to); // one end is gone: so is the other
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private synchronized void look(String request) {
        holding |= !chosen.isEmpty() && request.contains(chosen);
    }

    private synchronized void awaitPassing() throws InterruptedException {
        while (holding && !closed) {
            wait();
        }
    }

    private static void run(String name, Runnable task) {
        Thread thread = new Thread(task, name);
        thread.setDaemon(true);
        thread.start();
    }

    private static void end(AutoCloseable resource) {
        try {
            resource.close();
        } catch (Exception e) {
            throw new LabException("cannot close " + resource, e);
        }
    }

    @Override
    public synchronized void close() {
        closed = true;
        notifyAll();
        end(listener);
        sockets.forEach(AnswerProxy::end);
    }
}
