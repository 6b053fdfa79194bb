"""The commands that people use: thin layers over `bot`."""
