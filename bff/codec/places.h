/*
 * The places of a token in an answer (struct config_token): what they hold, and how it is taken out
 * of the body.
 */
#ifndef BFF_CODEC_PLACES_H
#define BFF_CODEC_PLACES_H

#include "codec/backend.h"
#include "codec/json.h"

/*
 * The body's object, which the caller owns; NULL if it is none. BFF_ERR_MALFORMED: it starts as
 * JSON does and cannot be read, so that what the pointers lead to could not be taken out, but
 * another reader might find it. (Entries of `tokens` may be NULL.)
 */
BFF_MUST_CHECK enum bff_err places_open_body(const struct config_token *const *tokens, size_t n,
                                             struct str body, json_t **out);

/* Can only a pointer lead to this token? */
bool places_are_all_in_body(const struct config_token *token);

struct places_held {
    struct str token;                     /* of the first place that holds one; empty: none does */
    struct str set_cookie;                /* the field that carried it; empty: only the body did */
    struct str values[CONFIG_MAX_PLACES]; /* of all places; empty where nothing is */
};

/*
 * `body` is the answer's object, NULL if it is none. What *out holds is in `arena`, set_cookie is a
 * view of the answer's. BFF_ERR_MALFORMED: the first place that holds something holds no string of
 * visible ASCII. BFF_ERR_TOO_LARGE: its token is longer than BACKEND_TOKEN_MAX. BFF_ERR_NO_MEMORY.
 */
BFF_MUST_CHECK enum bff_err places_read(const struct config_token *token,
                                        const struct backend_answer *answer, json_t *body,
                                        struct arena *arena, struct places_held *out);

/* Remove what the pointers lead to; true if there was something. */
bool places_remove(const struct config_token *token, json_t *body);

/* Does one of the values stand in the text, as it is or as JSON escapes it? Values shorter than a
 * secret can be are not looked for. */
struct places_search {
    bool shown, out_of_memory;
};
struct places_search places_shown_in(const struct places_held *held, struct str text,
                                     struct arena *arena);

#endif
