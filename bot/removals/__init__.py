"""Removing and re-creating calls: the service, its results and errors, and recovery after a restart."""
