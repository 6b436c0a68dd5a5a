@NullMarked
package io.flannelj.it;

import org.jspecify.annotations.NullMarked;
