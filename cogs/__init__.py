"""What people type: the slash commands, each a thin layer over `bot`."""
