package io.flannelj.admin;

import java.util.List;
import java.util.Locale;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A line of the last minute, as SVG: the scale begins at zero, and the line has a gap where a value is missing. */
final class Sparkline {
    private static final int WIDTH = 96;
    private static final int HEIGHT = 22;
    private static final int STEPS = 12;

    private Sparkline() {}

    /**
     * Draws it; nothing where there is not even one value.
     *
     * @param values the latest last, at most {@value #STEPS} + 1 of them
     * @param label what a screen reader says
     */
    static String of(List<? extends @Nullable Double> values, String label) {
        double greatest = values.stream()
                .filter(Objects::nonNull)
                .mapToDouble(Double::doubleValue)
                .max()
                .orElse(-1);
        if (greatest < 0) {
            return "";
        }
        StringBuilder path = new StringBuilder();
        boolean pen = false;
        for (int i = 0; i < values.size(); i++) {
            Double value = values.get(i);
            if (value == null) {
                pen = false;
                continue;
            }
            double x = WIDTH - 2 - (values.size() - 1 - i) * (WIDTH - 4.0) / STEPS;
            double y = HEIGHT - 2 - (greatest == 0 ? 0 : value / greatest * (HEIGHT - 4));
            path.append(String.format(Locale.ROOT, "%s%.1f %.1f", pen ? "L" : "M", x, y));
            if (!pen) {
                path.append("h.01"); // a single value is a dot
            }
            pen = true;
        }
        return "<svg class=spark viewBox=\"0 0 " + WIDTH + " " + HEIGHT
                + "\" preserveAspectRatio=none role=img aria-label=\"" + Html.escape(label) + "\"><path d=\"" + path
                + "\"/></svg>";
    }
}
