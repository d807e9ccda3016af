"""The promises, each a rule: a function from the facts to (what is wrong, where), one for each
violation. RULES lists them."""

from collections import Counter, defaultdict

from facts import BEGIN_TO_DJANGO_S

# A line of bffd's log is written after the event, and its time is cut to the millisecond.
LOG_TICK = 0.001


def one_refresh_per_generation(e):
    """At most one, unless a lease ran out: the next may follow a failure, or the lease's end."""
    before = {}
    for use in e.ledger.uses_of("refresh"):
        last = before.get(use.jti)
        # Who stood still between BEGIN and Django asks late, when another has the lease.
        if last and use.request_id not in e.interrupted and use.at < _next_may_follow(e, last):
            yield f"{use.jti} was sent by {last.request_id} and again by {use.request_id}", use.jti
        before[use.jti] = use


def _next_may_follow(e, use):
    if use.request_id in e.gave_up:
        return use.at
    until = use.at + min(e.lease_s, e.timeout_s)
    if use.request_id in e.interrupted:
        until = use.at + e.lease_s - BEGIN_TO_DJANGO_S
    elif use.status != 200 or not use.whole:
        until = min(until, use.answered_at)
    return use.at if e.lost_its_lease(use, until) else until


def nothing_rotated_is_sent_again(e):
    """Once its successor is stored."""
    stored_at = _stored_at(e)
    for use in e.ledger.uses:
        if use.kind not in ("refresh", "revoke") or use.request_id in e.interrupted:
            continue
        late = use.at - stored_at.get(use.jti, use.at)
        if late > LOG_TICK + _head_start(e, use):
            what = f"{use.jti} was sent by {use.request_id} {late:.3f} s after its successor"
            yield f"{what} was stored", use.jti


def _head_start(e, use):
    """Who has begun before it was stored, because a failover lost the first one's lease."""
    others = (u for u in e.ledger.uses_of("refresh") if u.jti == use.jti and u.at < use.at)
    return BEGIN_TO_DJANGO_S if any(e.lost_its_lease(u, use.at) for u in others) else 0


def _stored_at(e):
    """{jti of a refresh token: when its successor was stored}"""
    by_request = {stored.request_id: stored.at for stored in e.stored}
    return {
        use.jti: by_request[use.request_id]
        for use in e.ledger.uses_of("refresh")
        if use.status == 200 and use.request_id in by_request
    }


def no_rotation_is_spent(e):
    """What Django issued for a refresh token is stored, unless the refresh was cut off."""
    stored_at = _stored_at(e)
    held = {held.refresh for held in e.held}
    for parent, children in e.ledger.successors().items():
        is_stored = parent in stored_at or not held.isdisjoint(child.jti for child in children)
        if not is_stored and not e.spoilt(parent) and not _was_emptied(e, children[0].issued_at):
            yield f"{parent} was rotated, and no successor was stored", parent


def no_session_is_lost(e):
    """Django refuses a refresh token because it has expired or was revoked. One that was rotated is
    asked with again only where the rotation's answer was cut off, and refused then only by a Django
    that blacklists and does not repeat its answers."""
    stored_at, successors = _stored_at(e), e.ledger.successors()
    for use in e.ledger.uses_of("refresh"):
        # Who stood still between BEGIN and Django asks late, and nothing comes of it.
        is_late = use.request_id in e.interrupted and stored_at.get(use.jti, use.at) < use.at
        if use.status != 401 or is_late:
            continue
        token = e.ledger.tokens.get(use.jti)
        if token is None:
            yield f"{use.request_id} asked with a token that was never issued", use.request_id
        elif token.expires_at > use.at and not is_revoked(token, successors):
            was_cut_off = any(u.at < use.at for u in e.spoilt(token.jti))
            if e.django != "stock" or token.ended_how != "rotated" or not was_cut_off:
                yield f"{use.request_id} was refused with {token.jti}", token.jti


def is_revoked(token, successors):
    """It, or what Django would repeat for it."""
    line = [token, *successors.get(token.jti, [])]
    return any(each.ended_how == "revoked" for each in line)


def lost_sessions(e):
    """{user: the refresh that was cut off and cost the session}"""
    lost = {}
    for use in e.ledger.uses_of("refresh"):
        token = e.ledger.tokens.get(use.jti)
        if use.status == 401 and token and token.ended_how == "rotated":
            lost[token.user] = next((u for u in e.spoilt(token.jti) if u.at < use.at), None)
    return lost


def _was_emptied(e, at):
    """A Redis that lost all its data ends sessions; what was under way then is lost with it. The
    second is for what began before and was to be stored after."""
    return e.emptied_at is not None and at >= e.emptied_at - 1


def what_is_held_can_be_redeemed(e):
    generations = Counter(stored.session for stored in e.stored)
    rejected = _rejected_at(e)
    for held in e.held:
        token = e.ledger.tokens.get(held.refresh)
        if token is None:
            has_ended = e.emptied_at is not None or held.user in rejected
            wrong = None if has_ended else "no refresh token that Django knows is held"
        else:
            wrong = _why_not_redeemable(e, token, held.at)
            least = 1 + generations[held.session]
            # A worker that dies between COMMIT and its log has stored without saying so.
            most = least + _interruptions(e, token)
            if not wrong and not least <= held.generation <= most:
                wrong = f"generation {held.generation} after {least - 1} refreshes"
        if wrong:
            yield f"session {held.session} of {held.user}: {wrong}", held.refresh or held.session


def _why_not_redeemable(e, token, at):
    successors = e.ledger.successors().get(token.jti, [])
    if token.expires_at <= at:
        return f"{token.jti} is held and expired"
    if successors and not e.spoilt(token.jti):
        return f"{token.jti} is held and was rotated away"
    if token.blacklisted and not successors:
        return f"{token.jti} is held and blacklisted"
    if e.django == "grace" and any(successor.ended_at for successor in successors):
        return f"{token.jti} is held, and its successor has been used"
    return None


def _interruptions(e, token):
    family = e.ledger.family(token.jti)
    return sum(
        use.request_id in e.interrupted and e.ledger.family(use.jti) == family
        for use in e.ledger.uses_of("refresh")
    )


def one_refresh_and_one_replay_per_request(e):
    by_request = defaultdict(list)
    for use in e.ledger.uses:
        by_request[use.request_id].append(use)
    for request_id, uses in by_request.items():
        refreshes = [use for use in uses if use.kind == "refresh"]
        # nginx repeats by itself a GET for which a kept connection had no answer (RFC 9110, 9.2.2).
        calls = [use for use in uses if use.kind == "api" and use.status is not None]
        if _one_too_many(e, request_id, refreshes, calls):
            yield f"{request_id} refreshed {len(refreshes)} times", refreshes[0].jti
        if len(calls) > 2:
            yield f"{request_id} reached Django {len(calls)} times", calls[0].jti
        if len(calls) > 1 and calls[0].status != 401:
            yield f"{request_id} was replayed after {calls[0].status}", calls[0].jti


def _one_too_many(e, request_id, refreshes, calls):
    if request_id in e.interrupted:
        # nginx asks anew where a worker died with the request in its hands, but the lease stands.
        pairs = zip(refreshes, refreshes[1:])
        return any(later.at < _next_may_follow(e, before) for before, later in pairs)
    again = refreshes[1:]
    if again and any(_died_on_its_way(e, u) and u.at > refreshes[0].at for u in calls[:1]):
        again = again[1:]  # what the first refresh brought was of no use to this request
    return bool(again)


def nobody_gets_anothers_token(e):
    tokens = e.ledger.tokens
    for seen in e.seen:
        if seen.named not in (None, seen.user):
            yield f"{seen.user} was served as {seen.named} ({seen.request_id})", seen.session
    owners = {seen.request_id: seen.user for seen in e.seen if seen.request_id}
    for use in e.ledger.uses:
        # A refresh may be made by the request of another tab, but never for another user.
        owner, token = owners.get(use.request_id), tokens.get(use.jti)
        if owner and token and token.user != owner:
            yield f"{use.request_id} of {owner} carried {token.user}'s {use.jti}", use.jti
    for token in tokens.values():
        parent = tokens.get(token.parent)
        if parent and parent.user != token.user:
            yield f"{token.jti} of {token.user} descends from {parent.user}'s", token.jti
    for held in e.held:
        for jti in (held.access, held.refresh):
            if jti in tokens and tokens[jti].user != held.user:
                yield f"{held.user}'s session holds {tokens[jti].user}'s {jti}", jti


def _rejected_at(e):
    """{user: when Django was first asked with one of his refresh tokens and refused it}. Its answer
    may have arrived before it notes that it has answered."""
    rejected = {}
    for use in e.ledger.uses_of("refresh"):
        token = e.ledger.tokens.get(use.jti)
        if token and use.status == 401:
            rejected.setdefault(token.user, use.at)
    return rejected


def _died_on_its_way(e, use):
    """Only tokens of seconds do."""
    return use.status == 401 and e.ledger.tokens[use.jti].expires_at <= use.at


def _outlived_its_token(e, seen):
    """A request that was replayed with a token that died on its way: Django's own 401."""
    if seen.clears_cookie or seen.code != "token_not_valid":
        return False
    calls = defaultdict(list)
    for use in e.ledger.uses_of("api"):
        if seen.sent_at <= use.at <= seen.at and e.ledger.tokens[use.jti].user == seen.user:
            calls[use.request_id].append(use)
    return any(
        len(uses) == 2 and all(_died_on_its_way(e, use) for use in uses)
        for uses in calls.values()
    )


def a_session_ends_only_by_rejection(e):
    """Nobody signs out in these runs."""
    rejected = _rejected_at(e)
    for seen in e.seen:
        if seen.status == 401 or seen.clears_cookie:
            explained = (
                rejected.get(seen.user, seen.at) < seen.at
                or (e.emptied_at and seen.at >= e.emptied_at)
                or _outlived_its_token(e, seen)
            )
            if not explained:
                cleared = ", and the cookie was cleared" if seen.clears_cookie else ""
                what = f"{seen.user} was told {seen.status}{cleared} ({seen.request_id})"
                yield what, seen.session


RULES = [
    one_refresh_per_generation,
    nothing_rotated_is_sent_again,
    no_rotation_is_spent,
    no_session_is_lost,
    what_is_held_can_be_redeemed,
    one_refresh_and_one_replay_per_request,
    nobody_gets_anothers_token,
    a_session_ends_only_by_rejection,
]
