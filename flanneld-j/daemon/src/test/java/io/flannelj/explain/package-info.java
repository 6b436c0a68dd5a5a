@NullMarked
package io.flannelj.explain;

import org.jspecify.annotations.NullMarked;
