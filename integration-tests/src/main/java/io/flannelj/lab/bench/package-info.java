/** The overlay benchmark: contenders side by side in one run, what is measured of them, and how it is shown. */
@NullMarked
package io.flannelj.lab.bench;

import org.jspecify.annotations.NullMarked;
