"""The modules of the site, its clients and backends serve here as well."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("tests/bench", "tests/e2e", "tests/evidence", "scripts", "scripts/bench")
sys.path[:0] = [str(ROOT / folder) for folder in FOLDERS]
