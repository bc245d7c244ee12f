/* SPDX-License-Identifier: BSD-2-Clause */
/* "postoffice calibrate", a verb of cmd_postoffice. */
#ifndef CLI_CMD_CALIBRATE_H
#define CLI_CMD_CALIBRATE_H

#include "cli/cli.h"

cli_command cmd_calibrate;

#endif
