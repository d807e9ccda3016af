/*
 * The steps of a key's rotation as changes of a key file's text. Comments and blank lines belong to
 * the key below them. A comment of ours says how far the rotation is:
 *
 *   # bffctl: opens since 2026-11-21T18:05:53Z        (add: the last key)
 *   # bffctl: seals since 2026-11-21T18:25:00Z        (use: that key, now the first)
 *
 * Pure, but for the memory. The texts are secrets.
 */
#ifndef BFF_CTL_KEY_FILE_H
#define BFF_CTL_KEY_FILE_H

#include "base/arena.h"

#define KEY_FILE_TIME 20 /* characters of a time as above */

enum key_file_stage {
    KEYS_ALONE, /* one key */
    KEYS_ADDED, /* the last one is new and seals nothing yet */
    KEYS_USED,  /* the first one seals since `since` */
    KEYS_OTHER  /* several, and no comment of ours says why */
};

struct key_file_state {
    size_t n_keys;
    enum key_file_stage stage;
    struct str since; /* of ADDED and USED: as it stands there, which somebody may have edited */
};

/* `text` is one that keyring_parse() takes. */
struct key_file_state key_file_state(struct str text);

/* `key` becomes the last one. false: no memory. */
BFF_MUST_CHECK bool key_file_add(struct str text, struct str key, struct str now,
                                 struct arena *arena, struct str *out);
/* The last one becomes the first. */
BFF_MUST_CHECK bool key_file_use(struct str text, struct str now, struct arena *arena,
                                 struct str *out);
/* The first one stays, alone. */
BFF_MUST_CHECK bool key_file_drop(struct str text, struct arena *arena, struct str *out);

#endif
