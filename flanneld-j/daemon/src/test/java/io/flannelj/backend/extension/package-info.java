@NullMarked
package io.flannelj.backend.extension;

import org.jspecify.annotations.NullMarked;
