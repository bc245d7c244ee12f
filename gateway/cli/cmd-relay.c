/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>

#include "cli/cli.h"
#include "cli/probe.h"

static const struct output_column columns[] = {
    {"host", "Host", 0},
    {"ready", "Ready", 0},
    {"tls", "TLS", 0},
    {"certificate", "Certificate", 0},
    {"mechanism", "AUTH", 0},
    {"extensions", "Extensions", 0},
    {"size_limit", "Size limit", 0},
    {"state", "Failed in", 0},
    {"scope", "It is about", 0},
    {"status", "Status", 0},
    {"reply", "Reply", 0},
};

const char *probe_text(const struct relay_probe *probe, char *out, size_t size)
{
    const struct smtp_outcome *outcome = &probe->outcome;

    if (!probe->ready)
        snprintf(out, size, "%s: %s%s%s", smtp_state_name(outcome->state), outcome->status,
                 outcome->status[0] != '\0' ? " " : "", outcome->text);
    else
        snprintf(out, size, "%s, %s%s", probe->tls[0] != '\0' ? probe->tls : "without TLS",
                 probe->mechanism[0] != '\0' ? "AUTH " : "without AUTH", probe->mechanism);
    return out;
}

static void show_probe(void *context, const struct relay_probe *probe)
{
    struct cli *cli = context;
    const struct smtp_outcome *outcome = &probe->outcome;

    output_text(cli->out, probe->host);
    output_flag(cli->out, probe->ready);
    output_text(cli->out, probe->tls);
    output_text(cli->out, probe->certificate);
    output_text(cli->out, probe->mechanism);
    output_text(cli->out, probe->extensions);
    output_number(cli->out, probe->size_limit);
    output_text(cli->out, probe->ready ? NULL : smtp_state_name(outcome->state));
    output_text(cli->out, probe->ready ? NULL : smtp_scope_name(outcome->scope));
    output_text(cli->out, probe->ready ? NULL : outcome->status);
    output_text(cli->out, probe->ready ? NULL : outcome->text);
    output_row_end(cli->out);
    output_note(cli->out, "%s", "");
}

static int relay_test(struct cli *cli, int argc, char **argv)
{
    struct error err;
    int ready, status = cli_flags(cli, &argc, &argv, NULL, 0, 0, 0, "relay test");

    if (status != 0)
        return status;
    status = cli_settings(cli);
    if (status != 0)
        return status;
    output_begin(cli->out, OUTPUT_RECORD, "host", NULL, NULL, columns,
                 sizeof columns / sizeof columns[0]);
    ready = relay_probe_hosts(cli->settings, show_probe, cli, &err);
    output_end(cli->out);
    if (ready < 0)
        return cli_fail(&err);
    output_note(cli->out, "%d of %zu hosts ready", ready, cli->settings->relay.host_count);
    return (size_t)ready == cli->settings->relay.host_count ? CLI_DONE : CLI_WRONG;
}

int cmd_relay(struct cli *cli, int argc, char **argv)
{
    static const struct cli_verb verbs[] = {
        {"test", relay_test, "", "connect, TLS and AUTH, without sending mail"},
    };

    return cli_dispatch(cli, "relay", verbs, sizeof verbs / sizeof verbs[0], argc, argv);
}
