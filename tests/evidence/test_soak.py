"""A short soak: all that can go wrong does, at random, and the report says what it should."""

import subprocess
from pathlib import Path

SOAK = Path(__file__).parent / "soak.py"


def test_a_round_in_which_everything_goes_wrong(capsys):
    command = [SOAK, "--minutes", "0", "--round", "12", "--seed", "1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180)
    with capsys.disabled():
        print(f"\n{done.stdout}{done.stderr}")
    assert done.returncode == 0 and not done.stderr
    lines = done.stdout.splitlines()
    kinds = {line.split()[1] for line in lines if line.startswith("      ") and ":" in line}
    assert kinds == {"clock:", "Django:", "host:", "Redis:", "step:"}
    assert "0 violations" in lines
