"""
Settings for the test project of tests/django with mistakes that people make. For bffd doctor.

    DJANGO_SETTINGS_MODULE=sick_django   with this directory on PYTHONPATH
    BFF_TEST_SICKNESS                    words, with blanks between them:
        no-blacklist-app   the blacklist view is there, the app is not
        session-first      SessionAuthentication before the JWT class: a dead token is a 403
        one-throttle       one rate for all that is anonymous, login and refresh alike
        two-throttles      the refresh has a rate of its own, the login has none
        blind              Django reads no X-Forwarded-For
        csrf               the CSRF check for everybody, also for views that are exempt from it
        picky-host         ALLOWED_HOSTS with one name, app.example.org
        https-only         SECURE_SSL_REDIRECT
"""

import os

from django.middleware.csrf import CsrfViewMiddleware
from project.settings import *  # noqa: F403
from project.settings import DATA_DIR, INSTALLED_APPS, MIDDLEWARE, REST_FRAMEWORK, SIMPLE_JWT

SICKNESS = os.environ["BFF_TEST_SICKNESS"].split()
RATE = "20/minute"


class StrictCsrf(CsrfViewMiddleware):
    def process_view(self, request, callback, args, kwargs):
        if request.path.startswith("/api/token/"):
            return super().process_view(request, lambda: None, args, kwargs)
        return None


if "no-blacklist-app" in SICKNESS:
    INSTALLED_APPS.remove("rest_framework_simplejwt.token_blacklist")
    SIMPLE_JWT["BLACKLIST_AFTER_ROTATION"] = False

if "session-first" in SICKNESS:
    REST_FRAMEWORK["DEFAULT_AUTHENTICATION_CLASSES"].insert(
        0, "rest_framework.authentication.SessionAuthentication"
    )

if "one-throttle" in SICKNESS:
    REST_FRAMEWORK["DEFAULT_THROTTLE_CLASSES"] = ["rest_framework.throttling.AnonRateThrottle"]
    REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"] = {"anon": RATE}

if "two-throttles" in SICKNESS:
    REST_FRAMEWORK["DEFAULT_THROTTLE_CLASSES"] = ["sick_throttle.OfRefresh"]
    REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"] = {"anon": RATE}

if "blind" in SICKNESS:
    REST_FRAMEWORK["NUM_PROXIES"] = 0

if "csrf" in SICKNESS:
    MIDDLEWARE.append("sick_django.StrictCsrf")

if "picky-host" in SICKNESS:
    # What asks whether the server is up calls it localhost.
    ALLOWED_HOSTS = ["app.example.org", "localhost"]

if "https-only" in SICKNESS:
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = [r"^health/"]

# The workers of the server count together.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
        "LOCATION": DATA_DIR / "cache",
    }
}
