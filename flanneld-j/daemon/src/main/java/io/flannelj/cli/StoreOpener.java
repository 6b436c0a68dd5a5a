package io.flannelj.cli;

import io.flannelj.config.ConfigException;
import io.flannelj.config.StoreOptions;
import io.flannelj.lease.SubnetManager;
import java.io.IOException;

/** Opens the store that the options name. */
public interface StoreOpener {
    /**
     * Opens it.
     *
     * @throws IOException when what it needs cannot be read, e.g. certificates; names it
     * @throws ConfigException when the options do not say where it is
     */
    SubnetManager open(StoreOptions options) throws IOException, ConfigException;
}
