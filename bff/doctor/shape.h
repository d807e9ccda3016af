/* What kind of an answer it is: by status, headers and the names in the body, never by its texts.
 */
#ifndef BFF_DOCTOR_SHAPE_H
#define BFF_DOCTOR_SHAPE_H

#include "codec/backend.h"

enum shape {
    SHAPE_FINE,     /* 2xx */
    SHAPE_REDIRECT, /* 3xx */
    SHAPE_BAD,      /* 400, 422: the request's form or content */
    SHAPE_REFUSED,  /* 401 */
    SHAPE_FORBIDDEN,
    SHAPE_NO_PATH,
    SHAPE_NO_METHOD,
    SHAPE_MEDIA_TYPE,
    SHAPE_THROTTLED,
    SHAPE_TROUBLE, /* 5xx */
    SHAPE_OTHER
};

enum shape shape_of(const struct backend_answer *answer);
bool shape_is_html(const struct backend_answer *answer);

/* "200 with JSON", "500 with an HTML page" */
struct str shape_words(const struct backend_answer *answer, struct arena *arena);

/* The path with or without its trailing slash. */
BFF_MUST_CHECK bool shape_other_slash(struct str path, struct arena *arena, struct str *out);

/* Location without its query and fragment, which may hold secrets; and is it `path` with or
 * without a slash, on whatever host and scheme? */
struct str shape_location(const struct backend_answer *answer);
bool shape_location_is(const struct backend_answer *answer, struct str path);

/*
 * The fields that a 400 names: DRF's members that hold lists, allauth's errors[].param. Names that
 * stand for the whole form (non_field_errors, detail) are not among them. At most `max`; the views
 * live in `arena`.
 */
size_t shape_wanted_fields(const struct backend_answer *answer, struct arena *arena,
                           struct str *names, size_t max);

/* The member `error` of an OAuth answer (RFC 6749, 5.2); empty if there is none. */
struct str shape_oauth_error(const struct backend_answer *answer, struct arena *arena);

#endif
