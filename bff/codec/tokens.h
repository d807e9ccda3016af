/*
 * The tokens of an answer, what is known of them and of their user, and what is left of the answer
 * without them. The common part of a sign-in and a refresh.
 */
#ifndef BFF_CODEC_TOKENS_H
#define BFF_CODEC_TOKENS_H

#include "codec/backend.h"

/* Where to look. */
struct tokens_source {
    const struct config_token *access, *refresh;
    const struct config_token *pending; /* taken out of the body as well; NULL: nothing */
    const struct config_expiry *access_expiry, *refresh_expiry;
    struct str user; /* pointer; may be empty */
};

/*
 * *rest is the body without what the places lead to; as it came if nothing was there. `rest` is
 * NULL where nobody gets to see it: then it may show what it wants, for tokens that are granted
 * must not be lost. The errors of backend_take_tokens(); *tokens and *rest are untouched then.
 */
BFF_MUST_CHECK enum bff_err tokens_take(const struct config *config,
                                        const struct tokens_source *source,
                                        const struct backend_answer *answer, struct arena *arena,
                                        struct backend_tokens *tokens, struct str *rest);

#endif
