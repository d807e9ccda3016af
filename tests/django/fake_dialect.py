"""How the tokens travel: what backends do not agree on, besides their paths."""

from http.cookies import SimpleCookie

DIALECT = {
    # Tokens that say nothing, as django-oauth-toolkit's. Else JWT.
    "opaque": False,
    # The members of a token answer, and more of them beside the tokens.
    "names": {"access": "access", "refresh": "refresh"},
    "extra": {},
    # {"access": NAME, "refresh": NAME}: in Set-Cookie and not in the body, and expected back so.
    "cookies": {},
    "cookie_attributes": "HttpOnly; Path=/",
    # An unsafe call with a cookie of this name has to repeat its value in X-CSRFToken, and to come
    # with a Referer of this host; without the cookie it is refused (Django's CsrfViewMiddleware).
    "csrf_cookie": "",
}


def token_answer(settings, tokens):
    """(content, header fields) of an answer that gives tokens away."""
    cookies = settings["cookies"]
    if cookies:
        fields = [
            ("Set-Cookie", f"{cookies[kind]}={token}; {settings['cookie_attributes']}")
            for kind, token in tokens.items()
        ]
        return dict(settings["extra"]), fields
    named = {settings["names"][kind]: token for kind, token in tokens.items()}
    return {**named, **settings["extra"]}, []


def cookie_of(headers, name):
    found = SimpleCookie(headers.get("Cookie", "")).get(name)
    return found.value if found else ""


def access_token(settings, headers):
    """What an API call brings."""
    if settings["cookies"]:
        return cookie_of(headers, settings["cookies"]["access"])
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    return token if scheme == "Bearer" else ""


def refresh_token(settings, headers, fields):
    """What a call to refresh or to revoke brings: in its body, or as a cookie."""
    if settings["cookies"]:
        return cookie_of(headers, settings["cookies"]["refresh"])
    token = fields.get("refresh") or fields.get("refresh_token") or fields.get("token")
    return token if isinstance(token, str) else cookie_of(headers, "refresh")


def csrf_refusal(settings, method, headers):
    """What Django's middleware has against a call; None: nothing."""
    name = settings["csrf_cookie"]
    if not name or method in ("GET", "HEAD", "OPTIONS"):
        return None
    if not headers.get("Referer", "").startswith(f"http://{headers['Host']}/"):
        return "CSRF Failed: Referer checking failed."
    value = cookie_of(headers, name)
    if not value or headers.get_all("X-CSRFToken") != [value]:
        return "CSRF Failed: CSRF token missing or incorrect."
    return None
