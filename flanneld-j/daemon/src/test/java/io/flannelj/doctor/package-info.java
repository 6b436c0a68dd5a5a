@NullMarked
package io.flannelj.doctor;

import org.jspecify.annotations.NullMarked;
