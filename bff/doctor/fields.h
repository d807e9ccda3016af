/* The body that a page would send to POST /bff/login, for the login's `send`. */
#ifndef BFF_DOCTOR_FIELDS_H
#define BFF_DOCTOR_FIELDS_H

#include "core/config.h"

struct login_fields {
    struct str user_field; /* the name for the user's name where a body is passed on as it is */
    struct str user, password;
    bool is_empty; /* no such members: {} for a body, empty texts for a template */
};

/* A JSON object with `user_field` and `password`, or with the fields that the template names.
 * false: no memory. */
BFF_MUST_CHECK bool fields_write(const struct config_send *send, const struct login_fields *fields,
                                 struct arena *arena, struct str *out);

/* The fields that a page has to send, for a sentence: "username and password". */
struct str fields_named(const struct config_send *send, struct str user_field, struct arena *arena);

#endif
