"""The package is what its source makes of it: built elsewhere and later, it is the same to the byte."""

import debian


def test_two_builds_make_one_package(tmp_path):
    first, second = (debian.build(tmp_path / place) for place in ("here", "some/where/else"))
    assert first.read_bytes() == second.read_bytes()
