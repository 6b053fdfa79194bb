"""Every sentence that people read in Discord."""
