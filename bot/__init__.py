"""A Discord bot with which dispatchers remove 911 calls from Sonoran CAD."""

__version__ = "1.0.0"
