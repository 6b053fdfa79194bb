"""A Discord bot with which dispatchers remove 911 calls from Sonoran CAD."""

__version__ = "0.1.0"
