"""A Dask cluster as a sandbox: a gateway process alone speaks Dask, and gives and takes plain bytes."""
