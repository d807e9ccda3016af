/* What targets share: how one is called, how it says that something must be so, and how it takes an
 * input apart. */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A macro, so that a defect says which fact does not hold. */
#define demand(fact)                                                                               \
    do {                                                                                           \
        if (!(fact)) {                                                                             \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #fact);              \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* The input's next byte; 0 at its end. */
static inline uint8_t take_byte(struct str *input)
{
    if (input->n == 0)
        return 0;
    uint8_t byte = (uint8_t)input->p[0];
    *input = (struct str){input->p + 1, input->n - 1};
    return byte;
}

/* Its next line, without the end of it. */
static inline struct str take_line(struct str *input)
{
    struct str_cut cut = str_cut(*input, '\n');
    *input = cut.tail;
    return cut.head;
}

/* Does `part` lie in `whole`? */
static inline bool lies_in(struct str part, struct str whole)
{
    return part.n == 0 || (part.p >= whole.p && part.p + part.n <= whole.p + whole.n);
}

#endif
