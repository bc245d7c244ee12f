/* SPDX-License-Identifier: BSD-2-Clause */
/* The verbs of "map" that have a file of their own. */
#ifndef CLI_CMD_MAP_H
#define CLI_CMD_MAP_H

#include "cli/cli.h"

cli_command map_check, map_import;

#endif
