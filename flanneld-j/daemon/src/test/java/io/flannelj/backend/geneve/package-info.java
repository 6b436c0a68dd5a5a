@NullMarked
package io.flannelj.backend.geneve;

import org.jspecify.annotations.NullMarked;
