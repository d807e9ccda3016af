"""Each module attacks a site of its own, with the clients and backends of the end-to-end tests."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "e2e"), str(ROOT / "scripts")]

from asker import alice, bob  # noqa: E402, F401  (pytest finds them here)
from site_fixtures import (  # noqa: E402, F401  (pytest finds them here)
    no_token_reaches_a_client,
    pytest_runtest_makereport,
    site,
)
