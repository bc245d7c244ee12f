/* SPDX-License-Identifier: BSD-2-Clause */
/* "postoffice check", a verb of cmd_postoffice. */
#ifndef CLI_CMD_SURVEY_H
#define CLI_CMD_SURVEY_H

#include "cli/cli.h"

cli_command cmd_survey;

#endif
