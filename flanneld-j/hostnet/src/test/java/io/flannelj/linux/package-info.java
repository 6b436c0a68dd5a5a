@NullMarked
package io.flannelj.linux;

import org.jspecify.annotations.NullMarked;
