/* A key ring for targets that seal, and how a target says that something must be so. */
#ifndef TESTS_FUZZ_KEYS_H
#define TESTS_FUZZ_KEYS_H

#include <stdlib.h>

#include "codec/seal.h"

#define KEY_LINE "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

static inline void demand(bool fact)
{
    if (!fact)
        abort();
}

static inline const struct keyring *the_keys(void)
{
    static struct keyring *keys;
    static struct arena arena = {.limit = 4096};
    struct str message;
    if (!keys)
        demand(seal_init() && keyring_parse(&arena, STR(KEY_LINE), &keys, &message));
    return keys;
}

#endif
