/* Small steps that all builders of a backend request share. */
#ifndef BFF_CODEC_REQUEST_H
#define BFF_CODEC_REQUEST_H

#include "codec/backend.h"

/* One cookie more, behind those that stand in the request. False when memory is out. */
BFF_MUST_CHECK bool request_add_cookie(struct backend_request *request, struct str name,
                                       struct str value, struct arena *arena);

/* Is the content type this one, whatever its parameters (RFC 9110, 8.3.1)? */
bool request_is_type(struct str content_type, struct str media_type);

#endif
