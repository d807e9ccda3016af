/*
 * The header of a backend's answer, as libcurl hands over its lines, and its body in pieces: what
 * is kept holds no control byte and keeps to its limits. Input: lines of the header up to an empty
 * one, a byte, how many bytes of the body come at a time, then the body.
 */
#include "backend/http.c"
#include "fuzz.h"

#define BODY_MAX 100

static void check_kept(struct str kept)
{
    demand(kept.n <= ANSWER_HEADER_MAX && !str_has_control(kept));
}

static bool receive_header(struct transfer *t, struct str *rest)
{
    bool more = true;
    while (more && rest->n > 0) {
        struct str_cut line = str_cut(*rest, '\n');
        size_t n = line.head.n + (line.found ? 1 : 0);
        char *own = malloc(n ? n : 1); /* libcurl's lines end without a NUL */
        demand(own != NULL);
        memcpy(own, rest->p, n);
        more = on_header(own, 1, n, t) == n;
        free(own);
        *rest = line.tail;
        if (line.head.n == 0)
            return more;
    }
    return more;
}

static void receive_body(struct transfer *t, struct str body)
{
    size_t at_once = take_byte(&body);
    struct str all = body;
    bool more = true;
    while (more && body.n > 0) {
        size_t n = at_once > 0 && at_once < body.n ? at_once : body.n;
        more = on_body((char *)(uintptr_t)body.p, 1, n, t) == n;
        if (more)
            body = (struct str){body.p + n, body.n - n};
    }
    demand(more || t->err == BFF_ERR_BACKEND_UNREADABLE);
    demand(more == (all.n <= BODY_MAX) || at_once > 0);
    demand(t->body_n <= BODY_MAX && t->body_n == all.n - body.n);
    if (t->body_n > 0)
        demand(memcmp(t->body, all.p, t->body_n) == 0);
    free(t->body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = {(const char *)data, size};
    struct arena arena = arena_make(1 << 20);
    struct backend_answer answer = {.status = 0};
    struct transfer t = {.arena = &arena, .answer = &answer, .body_max = BODY_MAX};
    bool ok = receive_header(&t, &rest);
    demand(ok == (t.err == BFF_OK));
    if (ok) {
        check_kept(answer.content_type);
        check_kept(answer.retry_after);
        check_kept(answer.www_authenticate);
        check_kept(answer.location);
        demand(answer.n_set_cookie <= BACKEND_MAX_COOKIES && answer.received_s >= 0);
        for (size_t i = 0; i < answer.n_set_cookie; i++)
            check_kept(answer.set_cookie[i]);
        receive_body(&t, rest);
    }
    arena_free(&arena);
    return 0;
}
