"""Health checks, for `check`, for the log at start and for /cad911 status."""
