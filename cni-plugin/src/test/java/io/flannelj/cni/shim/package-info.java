@NullMarked
package io.flannelj.cni.shim;

import org.jspecify.annotations.NullMarked;
