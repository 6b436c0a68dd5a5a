@NullMarked
package io.flannelj.cleanup;

import org.jspecify.annotations.NullMarked;
