/* A traceparent header: what is read lies inside it and is an id, and its child is well-formed. */
#include "core/trace.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const unsigned char span[SPAN_BYTES] = {1};
    struct str header = {(const char *)data, size}, id = trace_id(header);
    char child[TRACEPARENT_LENGTH];
    if (id.n == 0)
        return 0;
    demand(id.n == 32 && id.p == header.p + 3 && size >= TRACEPARENT_LENGTH);
    trace_child(header, span, child);
    demand(str_eq(trace_id((struct str){child, sizeof child}), id));
    return 0;
}
