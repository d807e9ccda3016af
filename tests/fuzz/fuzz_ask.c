/*
 * What `bffctl` hears from whoever has bffd's socket: the answer is joined from records that lie in
 * what came, and has its end. Input: what came.
 */
#include "ctl/ask.c"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str answer = {NULL, 0}, body = {NULL, 0};
    char *own = malloc(size ? size : 1);
    demand(own != NULL);
    memcpy(own, data, size);
    struct str whole = {own, size};
    if (join_records(own, size, &answer)) {
        demand(lies_in(answer, whole) && answer.n + HEADER_BYTES <= size);
        if (body_of(answer, &body))
            demand(lies_in(body, answer) && body.n + strlen("Status: 200 ") < answer.n);
    }
    free(own);
    return 0;
}
