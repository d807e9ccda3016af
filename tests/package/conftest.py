"""The sites, clients and loads of the other tests serve here as well."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "e2e"), str(ROOT / "tests" / "evidence"), str(ROOT / "scripts")]
