"""The journal: who requested what and how it ended, in a file that outlives the process."""
