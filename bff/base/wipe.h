/* Overwrite memory that held a secret, in a way the compiler may not leave out. */
#ifndef BFF_BASE_WIPE_H
#define BFF_BASE_WIPE_H

#include <stddef.h>
#include <string.h>

static inline void wipe(void *p, size_t n)
{
    if (n > 0)
        explicit_bzero(p, n);
}

#endif
