#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/wipe.h"

#define FIRST_BLOCK 4096
#define ALIGNMENT _Alignof(max_align_t)

struct arena_block {
    struct arena_block *next;
    size_t size; /* of data[] */
    size_t used;
    _Alignas(max_align_t) char data[];
};

struct arena arena_make(size_t limit)
{
    return (struct arena){.limit = limit};
}

static size_t padded_size(size_t n)
{
    return (n + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static struct arena_block *grow(struct arena *a, size_t need)
{
    size_t size = a->current ? a->current->size * 2 : FIRST_BLOCK;
    if (size < need)
        size = need;
    size_t left = a->limit - a->taken;
    if (size > left)
        size = left;
    if (size < need)
        return NULL;
    struct arena_block *block = malloc(sizeof *block + size);
    if (!block)
        return NULL;
    *block = (struct arena_block){.size = size};
    a->taken += size;
    if (a->current)
        a->current->next = block;
    else
        a->first = block;
    a->current = block;
    return block;
}

void *arena_alloc(struct arena *a, size_t n)
{
    if (n > a->limit || n > SIZE_MAX / 2)
        return NULL;
    size_t need = padded_size(n ? n : 1);
    struct arena_block *block = a->current;
    if (!block || block->size - block->used < need)
        block = grow(a, need);
    if (!block)
        return NULL;
    void *p = block->data + block->used;
    block->used += need;
    return p;
}

bool arena_copy(struct arena *a, struct str s, struct str *out)
{
    if (s.n == 0) {
        *out = (struct str){NULL, 0};
        return true;
    }
    char *p = arena_alloc(a, s.n);
    if (!p)
        return false;
    memcpy(p, s.p, s.n);
    *out = (struct str){p, s.n};
    return true;
}

char *arena_cstr(struct arena *a, struct str s)
{
    if (s.n > 0 && memchr(s.p, 0, s.n))
        return NULL;
    char *p = s.n < SIZE_MAX ? arena_alloc(a, s.n + 1) : NULL;
    if (!p)
        return NULL;
    if (s.n > 0)
        memcpy(p, s.p, s.n);
    p[s.n] = 0;
    return p;
}

bool arena_printf(struct arena *a, struct str *out, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *p = n < 0 ? NULL : arena_alloc(a, (size_t)n + 1);
    if (p) {
        vsnprintf(p, (size_t)n + 1, format, again);
        *out = (struct str){p, (size_t)n};
    }
    va_end(again);
    return p != NULL;
}

static void free_from(struct arena *a, struct arena_block *block)
{
    while (block) {
        struct arena_block *next = block->next;
        a->taken -= block->size;
        wipe(block->data, block->used);
        free(block);
        block = next;
    }
}

void arena_reset(struct arena *a)
{
    if (!a->first)
        return;
    free_from(a, a->first->next);
    a->first->next = NULL;
    wipe(a->first->data, a->first->used);
    a->first->used = 0;
    a->current = a->first;
}

void arena_free(struct arena *a)
{
    free_from(a, a->first);
    a->first = a->current = NULL;
}
