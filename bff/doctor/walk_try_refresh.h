/* A refresh by the mended plan, for the steps that only want to know whether a token still lives.
 */
#ifndef BFF_DOCTOR_WALK_TRY_REFRESH_H
#define BFF_DOCTOR_WALK_TRY_REFRESH_H

#include "doctor/walk.h"

/* *status is 0 when there was no answer. New tokens become the newest of the walk; a token that is
 * rejected is buried. */
enum refresh_verdict walk_try_refresh(struct walk *w, struct str refresh, int *status);

#endif
