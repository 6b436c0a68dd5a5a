package io.flannelj.admin;

/** HTML as text. Whatever is not markup of ours is escaped on its way in. */
final class Html {
    private final StringBuilder text = new StringBuilder();

    /** Markup of ours, as it is. */
    Html markup(String markup) {
        text.append(markup);
        return this;
    }

    /** Text, which may come from anywhere. */
    Html text(String value) {
        text.append(escape(value));
        return this;
    }

    /** An element with nothing but text in it. */
    Html element(String tag, String value) {
        return markup("<" + tag + ">").text(value).markup("</" + name(tag) + ">");
    }

    private static String name(String tag) {
        int end = tag.indexOf(' ');
        return end < 0 ? tag : tag.substring(0, end);
    }

    /** For text and for attributes in double quotes. */
    static String escape(String text) {
        return text.replace("&", "&amp;")
                .replace("<", "&lt;")
                .replace(">", "&gt;")
                .replace("\"", "&quot;");
    }

    @Override
    public String toString() {
        return text.toString();
    }
}
