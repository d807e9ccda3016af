/* Reason phrases (RFC 9110, section 15): nginx passes a status line on as it gets it. */
#ifndef BFF_CORE_REASON_H
#define BFF_CORE_REASON_H

#include "base/str.h"

/* "Not Found" for 404; for a status without a name of its own, the name of its class. */
struct str reason_phrase(int status);

#endif
