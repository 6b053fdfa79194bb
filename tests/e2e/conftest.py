"""The page's tests need the extra `browser` and are skipped without it. CI selects them, so there it would fail."""

import importlib.util

collect_ignore = [] if importlib.util.find_spec("playwright") else ["test_page.py"]
