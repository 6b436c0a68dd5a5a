package io.flannelj.lab;

import java.util.concurrent.Executor;

/** A thread for each task: tasks here wait for each other, and the common pool may be as small as one thread. */
public final class Background {
    public static final Executor THREADS = task -> {
        Thread thread = new Thread(task, "lab");
        thread.setDaemon(true);
        thread.start();
    };

    private Background() {}
}
