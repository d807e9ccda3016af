/* Where a transfer of libcurl passes the steps of base/crash_point.h. Nothing in the ordinary
 * build. */
#ifndef BFF_BACKEND_CRASH_TRANSFER_H
#define BFF_BACKEND_CRASH_TRANSFER_H

#include "base/crash_point.h"

#ifdef BFF_CRASH_POINTS

#include <curl/curl.h>

/* With all other options set. */
void crash_transfer_watch(CURL *curl);

/* The socket of this thread's transfer, -1 before it has one. */
int crash_transfer_socket(void);

#define CRASH_TRANSFER_WATCH(curl) crash_transfer_watch(curl)
#else
#define CRASH_TRANSFER_WATCH(curl) ((void)0)
#endif

#endif
