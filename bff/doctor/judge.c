#include "doctor/judge.h"

#include "doctor/lines.h"

static bool is_other_kind(const struct candidate *c, enum candidate_kind wanted)
{
    return c->is_told && c->kind != wanted && c->kind != CANDIDATE_SLIDING;
}

static const struct candidate *first_configured(const struct config_token *token,
                                                const struct scan *scan)
{
    for (size_t i = 0; i < token->n; i++) {
        const struct candidate *c = scan_at(scan, &token->places[i]);
        if (c)
            return c;
    }
    return NULL;
}

static bool has_place(const struct config_token *token, const struct config_place *place)
{
    for (size_t i = 0; i < token->n; i++)
        if (token->places[i].place == place->place && str_eq(token->places[i].name, place->name))
            return true;
    return false;
}

static struct str words_of(const struct config_token *token, struct arena *arena)
{
    struct str words;
    if (token->n == 0 || !lines_write_token(token, arena, &words))
        return STR("(empty)");
    return words;
}

static struct str word_of(const struct config_place *place, struct arena *arena)
{
    struct str word;
    return lines_write_place(place, arena, &word) ? word : STR("(no memory)");
}

static const char *what(enum candidate_kind kind)
{
    return kind == CANDIDATE_REFRESH ? "refresh token" : "access token";
}

static const char *shape(const struct candidate *c)
{
    return c->is_jwt ? "a JWT" : "an opaque token";
}

static void set_place(const struct judge_question *q, const struct candidate *best,
                      struct report *report)
{
    *q->token = (struct config_token){.places = {best->place}, .n = 1};
    report_remedy(report, "%s = %.*s", q->key, STR_ARG(word_of(&best->place, report->arena)));
}

/* In JSON a token that nobody takes out would reach the browser; a cookie never does. */
static void judge_copies(const struct judge_question *q, const struct candidate *read,
                         const struct scan *scan, struct report *report)
{
    for (size_t i = 0; i < scan->n; i++) {
        const struct candidate *c = &scan->found[i];
        bool is_same = str_eq(c->value, read->value);
        bool is_more = c->kind == q->kind && c->is_jwt;
        if (c->place.place != TOKEN_IN_JSON || has_place(q->token, &c->place) ||
            !(is_same || is_more) || c->kind == CANDIDATE_SLIDING)
            continue;
        report_change(report, q->chapter,
                      "The answer holds the %s at %.*s as well, where nothing takes it out. bffd "
                      "answers 502 rather than let a browser see it.",
                      what(q->kind), STR_ARG(word_of(&c->place, report->arena)));
        if (q->token->n < CONFIG_MAX_PLACES)
            q->token->places[q->token->n++] = c->place;
        report_remedy(report, "%s = %.*s", q->key, STR_ARG(words_of(q->token, report->arena)));
    }
}

static void judge_path(const struct judge_question *q, const struct candidate *c,
                       struct report *report)
{
    if (c->place.place == TOKEN_IN_COOKIE && c->path.n > 0 && !str_eq(c->path, STR("/")))
        report_note(report, q->chapter,
                    "The cookie %.*s is for the path %.*s only. That is for browsers: bffd sends "
                    "it where the configuration says.",
                    STR_ARG(c->place.name), STR_ARG(c->path));
}

const struct candidate *judge_token(const struct judge_question *q, const struct scan *scan,
                                    struct report *report)
{
    const struct candidate *read = first_configured(q->token, scan);
    const struct candidate *best = scan_best(scan, q->kind);
    if (read && is_other_kind(read, q->kind)) {
        report_change(report, q->chapter, "What stands at %.*s is no %s: the token says so itself.",
                      STR_ARG(word_of(&read->place, report->arena)), what(q->kind));
        if (best)
            set_place(q, best, report);
        read = best;
    } else if (read) {
        report_ok(report, q->chapter, "The %s stands at %.*s, as %s says: %s.", what(q->kind),
                  STR_ARG(word_of(&read->place, report->arena)), q->key, shape(read));
    } else if (best) {
        report_change(report, q->chapter, "The %s stands at %.*s (%s), and %s is %.*s.",
                      what(q->kind), STR_ARG(word_of(&best->place, report->arena)), shape(best),
                      q->key, STR_ARG(words_of(q->token, report->arena)));
        set_place(q, best, report);
        read = best;
    }
    if (read) {
        judge_copies(q, read, scan, report);
        judge_path(q, read, report);
    }
    return read;
}

void judge_describe_answer(const struct scan *scan, struct arena *arena, struct str *out)
{
    if (!arena_printf(arena, out, "%s%.*s%s%.*s",
                      scan->is_json ? "its members: " : "no JSON object",
                      STR_ARG(scan->members.n > 0 || !scan->is_json ? scan->members : STR("none")),
                      scan->cookies.n > 0 ? "; its cookies: " : "", STR_ARG(scan->cookies)))
        *out = STR("(no memory)");
}
