"""The settings: what they are, where they are read from, what is wrong with them."""
