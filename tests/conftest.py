"""What every Python suite shares: the fixtures of `fixtures/`, importable by name from the tests."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

pytest_plugins = ["fixtures.cluster"]
