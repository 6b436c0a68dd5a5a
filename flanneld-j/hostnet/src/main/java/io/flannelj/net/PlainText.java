package io.flannelj.net;

import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Text of strangers made fit for one line of a log or a terminal. */
public final class PlainText {
    private static final Pattern FAILED_CALL =
            Pattern.compile("^\\w+\\(\\.\\.\\) failed(?: with error\\(-?\\d+\\))?: ");

    private PlainText() {}

    /**
     * Writes control characters, line separators, and characters that turn the direction of writing as {@code \n} or
     * {@code \}{@code u001b}, so that a text stays one line and gives a terminal no orders. Backslashes stay as they are.
     */
    public static String escape(String text) {
        StringBuilder escaped = null;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (isPlain(c)) {
                if (escaped != null) {
                    escaped.append(c);
                }
                continue;
            }
            if (escaped == null) {
                escaped = new StringBuilder(text.length() + 16).append(text, 0, i);
            }
            switch (c) {
                case '\n' -> escaped.append("\\n");
                case '\r' -> escaped.append("\\r");
                case '\t' -> escaped.append("\\t");
                default -> escaped.append(String.format("\\u%04x", (int) c));
            }
        }
        return escaped == null ? text : escaped.toString();
    }

    /** Escapes each line of a text by itself. In JSON what is escaped stands within strings, and stays valid there. */
    public static String escapeLines(String text) {
        return text.lines().map(PlainText::escape).collect(Collectors.joining("\n"));
    }

    private static boolean isPlain(char c) {
        if (c >= ' ' && c < 0x7f) {
            return true;
        }
        int type = Character.getType(c);
        return type != Character.CONTROL
                && type != Character.FORMAT // also what turns the direction of writing
                && type != Character.LINE_SEPARATOR
                && type != Character.PARAGRAPH_SEPARATOR;
    }

    /** What Netty says of a system call that failed, without the call: the kernel's words alone. */
    public static String withoutCall(String message) {
        return FAILED_CALL.matcher(message).replaceFirst("");
    }

    /** The beginning of a text, and how long it is in all, when it has more than {@code longest} characters. */
    public static String shorten(String text, int longest) {
        return text.length() <= longest ? text : text.substring(0, longest) + "… (" + text.length() + " characters)";
    }
}
