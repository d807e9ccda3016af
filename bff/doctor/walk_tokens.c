#include "doctor/walk_tokens.h"

#include <time.h>

#include "codec/json.h"
#include "doctor/life.h"
#include "doctor/shape.h"

int64_t walk_now_s(void)
{
    return (int64_t)time(NULL);
}

static bool rule_reads(const struct config_expiry *rule, const struct candidate *token,
                       const struct backend_answer *answer)
{
    json_t *root;
    bool is_there;
    switch (rule->kind) {
    case EXPIRY_SECONDS:
    case EXPIRY_TIME:
        root = json_read(answer->body);
        is_there = json_at(root, rule->pointer) != NULL;
        json_decref(root);
        return is_there;
    case EXPIRY_MAX_AGE:
        return token->has_max_age;
    case EXPIRY_EXP:
    case EXPIRY_AFTER:
        break;
    }
    return true;
}

int64_t walk_judge_life(struct walk *w, const struct life_of *of,
                        const struct backend_answer *answer)
{
    const struct life_question q = {
        .key = of->key,
        .is_refresh = of->token->kind == CANDIDATE_REFRESH,
        .expiry = of->expiry,
        .token = of->token,
        .seen = of->seen,
        .rule_reads = rule_reads(of->expiry, of->token, answer),
        .life_ms = of->life_ms,
        .answered_s = answer->received_s,
    };
    return life_judge_rule(&q, &w->report);
}

static void judge_user(struct walk *w, const struct scan *scan, const struct backend_tokens *tokens)
{
    struct report *r = &w->report;
    if (w->plan.login.user.n > 0 && tokens->user_id.n == 0) {
        report_change(r, CHAPTER_TOKENS, "[login] user = json:%.*s leads to no object with an id.",
                      STR_ARG(w->plan.login.user));
        if (scan->user.n > 0)
            w->plan.login.user = scan->user;
        report_remedy(r, "[login] user = %s%.*s", w->plan.login.user.n > 0 ? "json:" : "",
                      STR_ARG(w->plan.login.user));
    } else if (scan->user.n > 0 && w->plan.login.user.n == 0 && tokens->user_id.n == 0) {
        report_change(r, CHAPTER_TOKENS,
                      "The tokens do not say whose they are, but the answer does, at json:%.*s.",
                      STR_ARG(scan->user));
        w->plan.login.user = scan->user;
        report_remedy(r, "[login] user = json:%.*s", STR_ARG(scan->user));
    } else if (scan->user.n > 0 && w->plan.login.user.n == 0) {
        report_note(r, CHAPTER_TOKENS,
                    "The answer describes the user at json:%.*s. For GET /bff/session to show "
                    "that: [login] user = json:%.*s",
                    STR_ARG(scan->user), STR_ARG(scan->user));
    } else if (tokens->user_id.n == 0) {
        report_note(r, CHAPTER_TOKENS,
                    "Nothing in the answer says who the user is: GET /bff/session shows no user.");
    }
}

static void judge_take(struct walk *w, const struct login_answer *login, enum bff_err err)
{
    struct report *r = &w->report;
    if (err == BFF_ERR_TOO_LARGE) {
        report_change(r, CHAPTER_TOKENS, "A token is longer than %d bytes.", BACKEND_TOKEN_MAX);
        report_remedy(r, "Put less into its claims.");
    } else if (err != BFF_OK) {
        report_change(r, CHAPTER_TOKENS,
                      "bffd would refuse this answer (%.*s): a token stands in it a second time, "
                      "where no place of [login] leads to, or a place holds no token.",
                      STR_ARG(shape_words(&login->answer, r->arena)));
        report_remedy(r, "Let the backend leave it out, or name every place of it.");
    }
}

static void judge_no_refresh(struct walk *w, const struct scan *scan)
{
    struct str has;
    if (w->plan.login.refresh.n == 0) {
        report_note(&w->report, CHAPTER_TOKENS,
                    "There is no refresh token: a session ends with its access token.");
        return;
    }
    judge_describe_answer(scan, w->report.arena, &has);
    report_change(&w->report, CHAPTER_TOKENS,
                  "There is no refresh token, neither where [login] refresh says nor elsewhere "
                  "(%.*s). Every session would end with its access token.",
                  STR_ARG(has));
    report_remedy(&w->report, "Let the backend issue one.");
}

static void judge_lives(struct walk *w, const struct login_answer *login,
                        const struct candidate *access, const struct candidate *refresh,
                        const struct backend_tokens *tokens)
{
    const struct scan *scan = &login->scan;
    struct life_of of = {"[login] access_expiry", &w->plan.login.access_expiry, access,
                         &scan->access_expiry, tokens->access_life_ms};
    life_judge_access(walk_judge_life(w, &of, &login->answer), &w->plan, &w->report);
    if (refresh && refresh != access) {
        of = (struct life_of){"[login] refresh_expiry", &w->plan.login.refresh_expiry, refresh,
                              &scan->refresh_expiry, tokens->refresh_life_ms};
        w->refresh_life_s = walk_judge_life(w, &of, &login->answer);
    }
    life_judge_clocks(login->answer.received_s, access->has_iat ? access->iat_s : 0, login->asked_s,
                      login->answered_s, &w->report);
}

bool walk_judge_login(struct walk *w, const struct login_answer *login)
{
    const struct judge_question for_access = {CHAPTER_TOKENS, "[login] access", CANDIDATE_ACCESS,
                                              &w->plan.login.access};
    const struct judge_question for_refresh = {CHAPTER_TOKENS, "[login] refresh", CANDIDATE_REFRESH,
                                               &w->plan.login.refresh};
    struct backend_tokens tokens;
    struct str body;
    const struct candidate *access = judge_token(&for_access, &login->scan, &w->report);
    const struct candidate *refresh = judge_token(&for_refresh, &login->scan, &w->report);
    if (!access)
        return false;
    if (!refresh)
        judge_no_refresh(w, &login->scan);
    w->access = walk_kept(w, access->value);
    w->refresh = refresh ? walk_kept(w, refresh->value) : (struct str){NULL, 0};
    w->refresh_cookie = refresh && refresh->place.place == TOKEN_IN_COOKIE ? refresh->place.name
                                                                           : (struct str){NULL, 0};
    w->access_cookie =
        access->place.place == TOKEN_IN_COOKIE ? access->place.name : (struct str){NULL, 0};
    enum bff_err err =
        backend_take_tokens(&w->plan, &w->plan.login, &login->answer, &w->call, &tokens, &body);
    judge_take(w, login, err);
    if (err != BFF_OK)
        return true;
    judge_user(w, &login->scan, &tokens);
    judge_lives(w, login, access, refresh, &tokens);
    return true;
}
