"""bffd doctor has nothing to change in any of the bff.conf files beside these backends, and finds
out by itself most of what stands in them."""

import pytest

import projects

from doctor import Doctor  # isort: skip  (projects.py says where it is)


class Examination:
    def __init__(self, site, directory):
        self.doctor = Doctor(directory, site.backend.url, site.backend.all_issued)
        self.who = site.backend.credentials()[site.dialect.identifier]
        self.path = site.dialect.me

    def of(self, **file):
        return self.doctor.examine("--path", self.path, user=self.who, **file)

    def of_suggestion(self, report):
        """Of the lines that the report ends with, without the preset that may be below them."""
        self.doctor.config = self.doctor.directory / "suggested.conf"
        self.doctor.suggested(report.lines)
        assert self.doctor.accepted()
        return self.of(config=self.doctor.config)


@pytest.fixture
def examination(site, tmp_path):
    return Examination(site, tmp_path)


@pytest.mark.behaviour("doctor")
def test_the_doctor_finds_nothing_to_change_and_leaves_no_session(site, examination):
    report = examination.of(config=site.stack.config)
    assert (report.status, report.changes) == (0, 0), report
    assert report.says("A dead access token is a 401", "A dead refresh token is answered")
    if site.dialect.revoke:
        assert report.says("A revoked refresh token is dead", "No session")


@pytest.mark.behaviour("doctor")
def test_the_lines_of_the_doctor_alone_are_enough(site, examination):
    report = examination.of_suggestion(examination.of(config=site.stack.config))
    assert (report.status, report.changes) == (0, 0), report


# Not those that say success with a 401, or want a form with more than the fields of a page.
FROM_PATHS = set(projects.DIALECTS) - {"allauth-headless", "oauth-toolkit"}


@pytest.mark.behaviour("doctor", backends=FROM_PATHS)
def test_the_paths_alone_lead_to_a_configuration_that_works(site, examination):
    dialect = site.dialect
    revoke = f"POST {dialect.revoke}" if dialect.revoke else ""
    first = examination.of(
        text=f"preset = simplejwt\n[login]\nrequest = POST {dialect.login}\n"
        f"[refresh]\nrequest = POST {dialect.refresh}\n[revoke]\nrequest = {revoke}\n"
    )
    assert first.status in (0, 1), first
    report = examination.of_suggestion(first)
    assert (report.status, report.changes) == (0, 0), report
