#include "base/wiping_heap.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/wipe.h"

union header {
    size_t n;
    max_align_t align;
};

static _Thread_local unsigned long refusals;

unsigned long wiping_refusals(void)
{
    return refusals;
}

static void *refuse(void)
{
    refusals++;
    return NULL;
}

static union header *header_of(void *p)
{
    return (union header *)p - 1;
}

static void *begin_block(union header *h, size_t n)
{
    if (!h)
        return refuse();
    h->n = n;
    return h + 1;
}

void *wiping_malloc(size_t n)
{
    if (n > SIZE_MAX - sizeof(union header))
        return refuse();
    return begin_block(malloc(sizeof(union header) + n), n);
}

void *wiping_calloc(size_t n, size_t size)
{
    if (size > 0 && n > (SIZE_MAX - sizeof(union header)) / size)
        return refuse();
    return begin_block(calloc(1, sizeof(union header) + n * size), n * size);
}

/* Never in place: the old block is wiped whole. */
void *wiping_realloc(void *p, size_t n)
{
    void *moved = wiping_malloc(n);
    if (!p || !moved)
        return moved;
    size_t old = header_of(p)->n;
    memcpy(moved, p, old < n ? old : n);
    wiping_free(p);
    return moved;
}

char *wiping_strdup(const char *text)
{
    size_t n = strlen(text) + 1;
    char *copy = wiping_malloc(n);
    if (copy)
        memcpy(copy, text, n);
    return copy;
}

void wiping_free(void *p)
{
    if (!p)
        return;
    wipe(p, header_of(p)->n);
    free(header_of(p));
}
