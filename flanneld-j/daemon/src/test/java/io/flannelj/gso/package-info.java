@NullMarked
package io.flannelj.gso;

import org.jspecify.annotations.NullMarked;
