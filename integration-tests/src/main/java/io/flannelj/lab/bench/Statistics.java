package io.flannelj.lab.bench;

import java.util.Arrays;
import java.util.List;

/**
 * What repetitions of one measurement say together.
 *
 * @param median of two middle values their mean
 */
record Statistics(double min, double median, double max, int count) {
    static Statistics of(List<Double> values) {
        double[] sorted =
                values.stream().mapToDouble(Double::doubleValue).sorted().toArray();
        if (sorted.length == 0) {
            return new Statistics(Double.NaN, Double.NaN, Double.NaN, 0);
        }
        int middle = sorted.length / 2;
        double median = sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
        return new Statistics(sorted[0], median, Arrays.stream(sorted).max().getAsDouble(), sorted.length);
    }
}
