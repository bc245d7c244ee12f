/* SPDX-License-Identifier: BSD-2-Clause */
/* The verbs of "queue", and what "trace" shares with them. */
#ifndef CLI_CMD_QUEUE_H
#define CLI_CMD_QUEUE_H

#include "cli/cli.h"

cli_command cmd_queue_list, cmd_queue_show, cmd_queue_export;
cli_command cmd_queue_hold, cmd_queue_release, cmd_queue_retry, cmd_queue_return, cmd_queue_delete;

/* The message's facts as a record, then its recipients as a table, each row of FILTER. 1 when there
 * was at least one, 0 when none, -1 and ERR. */
int queue_show_message(struct cli *cli, uint64_t id, struct error *err) WARN_UNUSED;

/* Gets the content piece by piece; -1 ends with ERR set. */
typedef int queue_seen(void *context, const char *data, size_t size, struct error *err);
int queue_each_piece(struct store *store, uint64_t id, queue_seen *seen, void *context,
                     struct error *err) WARN_UNUSED;

/* All of the content or its headers, as it is, or one JSON object a line. The exit status. */
int queue_show_content(struct cli *cli, uint64_t id, bool headers_only) WARN_UNUSED;

#endif
