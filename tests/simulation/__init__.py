"""A deterministic simulation of the whole bot: one seed is one run of a world in which everything goes wrong."""
