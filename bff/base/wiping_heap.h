/*
 * An allocator for libraries that put secrets into memory and free it as it is: what is freed, or
 * moved, is wiped. Sizes are kept before the blocks, for free() does not say how much there is.
 */
#ifndef BFF_BASE_WIPING_HEAP_H
#define BFF_BASE_WIPING_HEAP_H

#include <stddef.h>

void *wiping_malloc(size_t n);
void *wiping_calloc(size_t n, size_t size);
void *wiping_realloc(void *p, size_t n);
char *wiping_strdup(const char *text);
void wiping_free(void *p);

/* How often memory was refused in this thread. A library that goes on all the same and does not
 * say so has made something of which a part is missing. */
unsigned long wiping_refusals(void);

#endif
