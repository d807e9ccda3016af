/*
 * An answer of a backend that `bffd doctor` looks through: what it finds is there, at the place it
 * names, and what it would print holds nothing that could leave its line.
 * Input: a byte for the status, lines of Set-Cookie up to an empty line, a line with Location, the
 * body.
 */
#include "codec/json.h"
#include "codec/token.h"
#include "doctor/scan.h"
#include "doctor/shape.h"
#include "fuzz.h"
#include "fuzz_json.h"

#define NAMES 6

static const struct config_token access_at = {
    .places = {{TOKEN_IN_JSON, {"/access", 7}}, {TOKEN_IN_COOKIE, {"access", 6}}}, .n = 2};
static const struct config_token refresh_at = {.places = {{TOKEN_IN_JSON, {"/refresh", 8}}},
                                               .n = 1};

static void check_candidate(const struct backend_answer *answer, const struct candidate *c,
                            json_t *root)
{
    demand(c->value.n > 0 && token_is_visible(c->value) && token_is_visible(c->place.name));
    if (c->place.place == TOKEN_IN_JSON) {
        const json_t *value = json_at(root, c->place.name);
        demand(json_is_string(value));
        demand(str_eq(c->value, str_from(json_string_value(value))));
        return;
    }
    bool is_set = false;
    for (size_t i = 0; i < answer->n_set_cookie; i++)
        is_set |= str_contains(answer->set_cookie[i], c->value);
    demand(is_set);
}

static void check_scan(const struct backend_answer *answer, struct arena *arena)
{
    static const enum candidate_kind kinds[] = {CANDIDATE_ACCESS, CANDIDATE_REFRESH,
                                                CANDIDATE_SLIDING, CANDIDATE_OTHER};
    struct scan scan;
    demand(scan_answer(answer, &access_at, &refresh_at, arena, &scan) == BFF_OK);
    json_t *root = json_read(answer->body);
    demand(scan.n <= SCAN_MAX && scan.is_json == json_is_object(root));
    demand(scan.members.n <= SCAN_NAMES && scan.cookies.n <= SCAN_NAMES);
    for (size_t i = 0; i < scan.n; i++) {
        check_candidate(answer, &scan.found[i], root);
        demand(scan_at(&scan, &scan.found[i].place) != NULL);
    }
    demand(scan.user.n == 0 || json_is_object(json_at(root, scan.user)));
    demand(scan.access_expiry.kind == EXPIRY_EXP || json_at(root, scan.access_expiry.pointer));
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        const struct candidate *best = scan_best(&scan, kinds[i]);
        demand(!best || (best >= scan.found && best < scan.found + scan.n));
    }
    json_decref(root);
}

static void check_shape(const struct backend_answer *answer, struct arena *arena)
{
    struct str names[NAMES], other;
    demand(shape_of(answer) <= SHAPE_OTHER && shape_words(answer, arena).n > 0);
    size_t n = shape_wanted_fields(answer, arena, names, NAMES);
    demand(n <= NAMES);
    for (size_t i = 0; i < n; i++)
        demand(names[i].n > 0 && token_is_visible(names[i]));
    demand(token_is_visible(shape_oauth_error(answer, arena)));
    struct str location = shape_location(answer);
    demand(lies_in(location, answer->location) && !str_contains(location, STR("?")));
    if (location.n > 0 && shape_other_slash(location, arena, &other))
        demand(other.n + 1 == location.n || other.n == location.n + 1);
    (void)shape_location_is(answer, STR("/api/token/"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int statuses[] = {200, 201, 301, 400, 401, 403, 404, 405, 415, 422, 429, 500};
    json_once();
    struct str rest = {(const char *)data, size}, line;
    struct backend_answer answer = {
        .status = statuses[take_byte(&rest) % (sizeof statuses / sizeof statuses[0])]};
    /* Control bytes backend/http.c keeps away. */
    for (line = take_line(&rest); line.n > 0; line = take_line(&rest))
        if (answer.n_set_cookie < BACKEND_MAX_COOKIES && !str_has_control(line))
            answer.set_cookie[answer.n_set_cookie++] = line;
    line = take_line(&rest);
    if (!str_has_control(line))
        answer.location = line;
    answer.content_type = STR("text/html; charset=utf-8");
    answer.body = rest;
    struct arena arena = arena_make(4 << 20);
    check_scan(&answer, &arena);
    check_shape(&answer, &arena);
    arena_free(&arena);
    return 0;
}
