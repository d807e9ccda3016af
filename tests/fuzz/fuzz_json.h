/* jansson, as bffd sets it up before it has threads. */
#ifndef TESTS_FUZZ_JSON_H
#define TESTS_FUZZ_JSON_H

#include "codec/json.h"

/* At the beginning of each input. */
static inline void json_once(void)
{
    static bool is_ready;
    if (!is_ready)
        json_init();
    is_ready = true;
}

#endif
