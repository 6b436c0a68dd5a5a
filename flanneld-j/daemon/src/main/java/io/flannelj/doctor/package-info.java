/** Whether a host is fit for the daemon, before and after it is installed, and what an issue about one needs. */
@NullMarked
package io.flannelj.doctor;

import org.jspecify.annotations.NullMarked;
