"""Sonoran CAD's API. Knows nothing of Discord."""
