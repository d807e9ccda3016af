/* FastCGI params become a call: which of them are read, and what makes them unusable. */
#ifndef BFF_SERVER_PARAMS_H
#define BFF_SERVER_PARAMS_H

#include "flow/call.h"

#define PARAMS_TEXT_MAX 1024        /* of a field other than the next two; longer is refused */
#define PARAMS_QUERY_MAX (4 * 1024) /* of the query of a capture; of Cookie: core/cookie.h */

/*
 * Those of one record, as server/records.h has them; views point into them.
 * BFF_ERR_BAD_REQUEST: as below.
 */
BFF_MUST_CHECK enum bff_err params_read_pairs(struct str pairs, struct call *out);

/*
 * `envp` is "NAME=value" strings, NULL at the end, as libfcgi gives them. Views point into them.
 * BFF_ERR_BAD_REQUEST: a number that is none, a field longer than its limit, or a control byte in
 * a field that is used (nginx 1.22 passes them); *out then has what an answer needs (leg, ids).
 */
BFF_MUST_CHECK enum bff_err params_read(char **envp, struct call *out);

#endif
