/* What the name of a member or cookie suggests. */
#ifndef BFF_DOCTOR_SCAN_NAMES_H
#define BFF_DOCTOR_SCAN_NAMES_H

#include "doctor/scan.h"

/* false: nothing in the name suggests a token. */
bool name_suggests_token(struct str name, enum candidate_kind *kind);

bool name_suggests_expiry(struct str name, bool *of_refresh);
bool name_suggests_user(struct str name);

/* Does `name` contain `word` (lower case), whatever its case? */
bool name_has(struct str name, const char *word);

#endif
