/*
 * Do login and refresh share a limit, and does Django tell clients apart? Asked with made-up tokens
 * from addresses that belong to nobody (RFC 5737: 192.0.2.0/24), until the limit is reached.
 */
#include <sodium.h>

#include "doctor/shape.h"
#include "doctor/walk.h"

#define CHAPTER CHAPTER_THROTTLE
#define TRIES_MAX 100

/* Not the same address each time: a limit of the last run may still hold. */
static struct str made_up_address(struct walk *w, unsigned host)
{
    struct str address = STR("192.0.2.1");
    return arena_printf(&w->kept, &address, "192.0.2.%u", host) ? address : STR("192.0.2.1");
}

static bool is_throttled(struct walk *w, const struct endpoint *e, struct str *retry_after)
{
    struct backend_request request;
    struct backend_answer answer;
    walk_begin(w);
    *retry_after = (struct str){NULL, 0};
    if (e->compose(w, &request) != BFF_OK || walk_send(w, &request, &answer) != BFF_OK) {
        w->is_unreached = true;
        return false;
    }
    *retry_after = walk_kept(w, answer.retry_after);
    return shape_of(&answer) == SHAPE_THROTTLED;
}

/* How many were let through; TRIES_MAX if there was no limit. */
static unsigned use_up(struct walk *w, struct str *retry_after)
{
    const struct endpoint refresh = walk_at_refresh(w);
    unsigned n = 0;
    while (n < TRIES_MAX && walk_goes_on(w) && !is_throttled(w, &refresh, retry_after))
        n++;
    return n;
}

static void judge_login(struct walk *w)
{
    const struct endpoint login = walk_at_login(w);
    struct str retry_after;
    w->without_fields = true;
    bool is_shared = is_throttled(w, &login, &retry_after);
    w->without_fields = false;
    if (w->is_unreached)
        return;
    if (!is_shared) {
        report_ok(&w->report, CHAPTER, "The login has a limit of its own.");
        return;
    }
    report_change(&w->report, CHAPTER,
                  "Login and refresh share a limit: whoever fails to sign in often enough keeps "
                  "everybody behind the same address from refreshing.");
    report_remedy(&w->report, "Give the two views different throttle scopes (DRF: throttle_scope "
                              "with ScopedRateThrottle), a generous one for the refresh.");
}

static void judge_addresses(struct walk *w, unsigned other_host)
{
    const struct endpoint refresh = walk_at_refresh(w);
    struct str retry_after;
    w->address = made_up_address(w, other_host);
    bool is_for_all = is_throttled(w, &refresh, &retry_after);
    if (w->is_unreached)
        return;
    if (!is_for_all) {
        report_ok(&w->report, CHAPTER, "Clients of different addresses have limits of their own.");
        return;
    }
    report_change(&w->report, CHAPTER,
                  "A client of another address is over the limit as well: Django does not see the "
                  "clients' addresses, and all of them share one limit.");
    report_remedy(&w->report, "Let it read X-Forwarded-For, which nginx and bffd set: NUM_PROXIES "
                              "= 1 in REST_FRAMEWORK.");
}

static void try_throttle(struct walk *w)
{
    unsigned first = randombytes_uniform(120) + 1;
    struct str retry_after = {NULL, 0};
    w->use_refresh = walk_tampered(w, w->refresh);
    w->use_access = w->access;
    w->address = made_up_address(w, first);
    unsigned passed = use_up(w, &retry_after);
    if (passed == TRIES_MAX)
        report_ok(&w->report, CHAPTER, "No limit within %d refreshes from one address.", TRIES_MAX);
    if (passed == TRIES_MAX || !walk_goes_on(w))
        return;
    report_note(&w->report, CHAPTER,
                "Refreshes are limited: 429 after %u from one address%s%.*s%s.", passed,
                retry_after.n > 0 ? " (Retry-After: " : "", STR_ARG(retry_after),
                retry_after.n > 0 ? ")" : "");
    judge_login(w);
    judge_addresses(w, first + 120);
}

void walk_throttle(struct walk *w)
{
    if (!w->options->try_throttle) {
        report_note(&w->report, CHAPTER,
                    "Not checked: whether login and refresh share a throttle. To see that, a limit "
                    "has to be used up, by up to %d refreshes with a made-up token: --try-throttle",
                    TRIES_MAX);
        return;
    }
    if (w->refresh.n == 0) {
        report_note(&w->report, CHAPTER, "Not checked: there is no refresh.");
        return;
    }
    try_throttle(w);
    w->address = (struct str){NULL, 0};
}
