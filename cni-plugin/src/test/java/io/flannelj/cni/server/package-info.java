@NullMarked
package io.flannelj.cni.server;

import org.jspecify.annotations.NullMarked;
