/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "message/ndrcode.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* One row a text. BACK: beginnings of the statuses that become this number, the longest match wins.
 */
static const struct {
    unsigned code;
    const char *status;
    const char *text;
    const char *back[4];
} codes[] = {
    {1, "5.2.0", "Unable to deliver mail.", {NULL}}, /* Q264331 */
    {2,
     "5.1.1",
     "Mail was received that was addressed to unknown addresses.",
     {"1."}},                                                                        /* Q127919 */
    {3, "5.4.6", "Message hop count exceeded.", {"4.6"}},                            /* Q147471 */
    {4, "5.4.6", "Message circular route detected.", {NULL}},                        /* Q162841 */
    {5, "5.4.7", "Mail retry count exceeded sending to:", {"4.7"}},                  /* Q135902 */
    {7, "5.1.1", "Message addressed to group that no longer exists.", {NULL}},       /* Q117895 */
    {8, "5.2.2", "Failure delivering mail due to mailbag contention.", {NULL}},      /* Q111558 */
    {9, "5.3.4", "Mail maximum size exceeded sending to:", {"3.4", "2.3"}},          /* Q131852 */
    {12, "5.6.0", "This corrupt message cannot be delivered.", {NULL}},              /* Q121733 */
    {16, "5.3.0", "Message was not sent due to missing message file.", {NULL}},      /* Q126750 */
    {17, "5.2.2", "Unable to deliver user mail due to a full mailbag.", {"2.2"}},    /* Q138054 */
    {18, "5.3.0", "Message was not sent due to missing attachment.", {NULL}},        /* Q118675 */
    {21, "5.3.0", "Message was not delivered due to missing routing file.", {NULL}}, /* Q136379 */
    {23, "5.6.0", "Message was not delivered: message file was corrupted.", {NULL}}, /* Q143413 */
    {24, "5.3.0", "Message was not delivered: routing file was corrupted.", {NULL}}, /* Q194549 */
    {29, "5.6.0", "This mail message could not be parsed correctly.", {"6."}},       /* Q175958 */
    {30, "5.1.4", "Message contains duplicated Email address.", {"1.4"}},            /* Q165396 */
};

#define CODES (sizeof codes / sizeof codes[0])
#define CODE_OTHER 5

const char *ndrcode_status(unsigned code)
{
    for (size_t i = 0; i < CODES; i++)
        if (codes[i].code == code)
            return codes[i].status;
    return "5.0.0";
}

const char *ndrcode_text(unsigned code)
{
    for (size_t i = 0; i < CODES; i++)
        if (codes[i].code == code)
            return codes[i].text;
    return NULL;
}

unsigned ndrcode_of_status(const char *status)
{
    unsigned code = CODE_OTHER;
    size_t best = 0;

    if (status == NULL || (status[0] != '4' && status[0] != '5') || status[1] != '.')
        return CODE_OTHER;
    for (size_t i = 0; i < CODES; i++) {
        for (size_t j = 0; j < 4 && codes[i].back[j] != NULL; j++) {
            size_t size = strlen(codes[i].back[j]);
            bool whole = codes[i].back[j][size - 1] == '.' || status[2 + size] == '\0';
            if (size > best && strncmp(status + 2, codes[i].back[j], size) == 0 && whole) {
                code = codes[i].code;
                best = size;
            }
        }
    }
    return code;
}
