"""The sandbox: the real bot in a simulated Discord, with a fake CAD."""
