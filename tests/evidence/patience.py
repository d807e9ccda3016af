"""Who may be told to wait: whoever has no good token."""

from collections import defaultdict


def refused_with_a_good_token(e, refused):
    """Those of the answers that were given to a user whose session held an access token that Django
    would have taken, from before the call was made until it was answered."""
    spans = _good_spans(e)
    return [
        seen
        for seen in refused
        if any(start < seen.sent_at and seen.at < end for start, end in spans[seen.user])
    ]


def _good_spans(e):
    """{user: [(from when an access token was stored, when it expired)]}"""
    stored_at = {stored.request_id: stored.at for stored in e.stored}
    refreshes = defaultdict(list)
    for use in e.ledger.uses_of("refresh"):
        refreshes[use.jti].append(use)
    spans = defaultdict(list)
    for token in e.ledger.tokens.values():
        if token.kind != "access":
            continue
        by = [u for u in refreshes[token.parent] if u.at <= token.issued_at <= u.answered_at]
        # By a refresh, or else by a login; that one's is stored before the visitor has the cookie.
        start = stored_at.get(by[0].request_id) if by else token.issued_at
        if start is not None:
            spans[token.user].append((start, token.expires_at))
    return spans
