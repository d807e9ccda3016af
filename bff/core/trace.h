/*
 * W3C Trace Context (https://www.w3.org/TR/trace-context/), version 00: which trace a request
 * belongs to, so that bffd's own calls to the backend, and its log, are found with the rest of it.
 *
 *   traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01
 *                version, trace id, id of the caller's span, flags
 *
 * A value that is malformed is none, as section 3.2.2.3 wants. The section allows to begin a trace
 * then; bffd does not, for it has nobody to report spans to, and the request id tells as much.
 * tracestate is not passed on by calls that bffd makes itself.
 */
#ifndef BFF_CORE_TRACE_H
#define BFF_CORE_TRACE_H

#include "base/str.h"

#define TRACEPARENT_LENGTH 55
#define SPAN_BYTES 8

/*
 * The 32 digits of the trace id, a view into `traceparent`; empty when that is malformed: a version
 * 00 of another length, the invalid version ff, a digit that is not 0-9 or a-f, an id of zeros
 * only. Of a later version what version 00 has is read, if that is followed by nothing or by '-'.
 */
struct str trace_id(struct str traceparent);

/* The header of a call that is made for one which has this traceparent, and a trace id. `span` is
 * random; an id of zeros would be none. Of the flags only `sampled` is passed on. */
void trace_child(struct str traceparent, const unsigned char span[SPAN_BYTES],
                 char out[TRACEPARENT_LENGTH]);

#endif
