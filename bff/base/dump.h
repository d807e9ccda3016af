/* Memory that holds tokens or passwords leaves no core file and is nobody else's to read. */
#ifndef BFF_BASE_DUMP_H
#define BFF_BASE_DUMP_H

#include <stdbool.h>

#include "base/err.h"

/* For this process and those it forks: no core file, no ptrace(2) by others. false: refused. */
BFF_MUST_CHECK bool dump_forbid(void);

#endif
