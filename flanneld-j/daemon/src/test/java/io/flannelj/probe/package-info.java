@NullMarked
package io.flannelj.probe;

import org.jspecify.annotations.NullMarked;
