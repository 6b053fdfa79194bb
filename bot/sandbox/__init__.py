"""The bot at its main job without any account: a loopback CAD and a simulated Discord. Not used in a real run."""
