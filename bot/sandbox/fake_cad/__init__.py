"""A fake CAD with real state. It speaks both versions of the API over real HTTP."""
