"""The client of Sonoran CAD's API. Knows nothing of Discord."""
