"""Each module has a site of its own, and no byte that a client received there is of a token."""

from site_fixtures import (  # noqa: F401  (pytest finds them here)
    no_token_reaches_a_client,
    pytest_runtest_makereport,
    site,
)
