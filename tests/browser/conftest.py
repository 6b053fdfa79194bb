"""The page's suite can be collected only with the extra `browser`; CI asks for it by name and fails without."""

import importlib.util

collect_ignore = [] if importlib.util.find_spec("playwright") else ["test_page.py"]
