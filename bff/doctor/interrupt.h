/* SIGINT and SIGTERM during a walk: it has to clean up before it ends. */
#ifndef BFF_DOCTOR_INTERRUPT_H
#define BFF_DOCTOR_INTERRUPT_H

#include <stdbool.h>

/* From now on these signals are only noted; what waits in a system call is woken. */
void interrupt_watch(void);
bool interrupt_came(void);

#endif
