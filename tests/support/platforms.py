"""Marks for tests about something that not every platform has."""

from __future__ import annotations

import os
import shutil

import pytest

WINDOWS = os.name == "nt"

needs_signals = pytest.mark.skipif(WINDOWS, reason="no process sends signals on Windows; .ci/windows presses Ctrl-C")
needs_file_modes = pytest.mark.skipif(WINDOWS, reason="Windows has no file modes")
needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
