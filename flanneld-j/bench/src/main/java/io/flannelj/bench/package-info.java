/** The data path as a whole. */
@NullMarked
package io.flannelj.bench;

import org.jspecify.annotations.NullMarked;
