/*
 * The part of bff.conf that describes a backend's dialect, written from a struct config: what
 * config_parse() reads from these lines is what they were written from.
 */
#ifndef BFF_DOCTOR_LINES_H
#define BFF_DOCTOR_LINES_H

#include <stdio.h>

#include "core/config.h"

#define LINES_MAX 32

struct line {
    struct str section, key, value;
};

struct lines {
    struct line lines[LINES_MAX];
    size_t n;
};

/* false: no room in `arena`. */
BFF_MUST_CHECK bool lines_of(const struct config *config, struct arena *arena, struct lines *out);

/* `wanted` as a configuration file; behind a line that differs from `have` stands what it was.
 * [client] is printed only where there is one, csrf_cookie only where it is set or was. */
void lines_print(const struct lines *wanted, const struct lines *have, FILE *out);

/* One value as bff.conf writes it. */
BFF_MUST_CHECK bool lines_write_place(const struct config_place *place, struct arena *arena,
                                      struct str *out);
BFF_MUST_CHECK bool lines_write_token(const struct config_token *token, struct arena *arena,
                                      struct str *out);
BFF_MUST_CHECK bool lines_write_expiry(const struct config_expiry *expiry, struct arena *arena,
                                       struct str *out);
BFF_MUST_CHECK bool lines_write_match(const struct config_match *match, struct arena *arena,
                                      struct str *out);
BFF_MUST_CHECK bool lines_write_send(const struct config_send *send, struct arena *arena,
                                     struct str *out);
BFF_MUST_CHECK bool lines_write_attach(const struct config_attach *attach, struct arena *arena,
                                       struct str *out);

#endif
