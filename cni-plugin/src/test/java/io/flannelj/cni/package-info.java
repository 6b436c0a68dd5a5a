@NullMarked
package io.flannelj.cni;

import org.jspecify.annotations.NullMarked;
