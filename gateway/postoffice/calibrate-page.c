/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "postoffice/calibrate-int.h"

#include <stdlib.h>
#include <string.h>

#include "message/codepage.h"

/* The runs of a text whose key is known, without the last octet of each. */
static int see_text(struct codepage_guess *guess, const struct calibration *cal,
                    const struct cal_text *text, uint8_t *clear, struct error *err)
{
    size_t size = 0;

    for (size_t i = 0; i < text->size && i < CAL_MAX_KEY; i++) {
        int key = cal_key_at(cal, i);
        if (key != PROFILE_KEY_UNKNOWN) {
            clear[size++] = (uint8_t)(text->octets[i] ^ (i != 0 ? text->octets[i - 1] : 0) ^ key);
            continue;
        }
        if (size > 2 && codepage_guess_add(guess, clear, size - 1, err) != 0)
            return -1;
        size = 0;
    }
    return size > 2 ? codepage_guess_add(guess, clear, size - 1, err) : 0;
}

static int see_all(struct codepage_guess *guess, const struct calibration *cal, struct error *err)
{
    uint8_t *clear = malloc(CAL_MAX_KEY + 1);
    int status = 0;

    if (clear == NULL)
        return error_sys(err, ERROR_SOFT, "", "no memory");
    for (size_t i = 0; status == 0 && i < cal->mail_count; i++) {
        const char *subject = cal->mails[i].header.subject;
        if (cal->mails[i].paired)
            status = codepage_guess_add(guess, (const uint8_t *)subject, strlen(subject), err);
    }
    for (size_t t = 0; status == 0 && t < cal->text_count; t++)
        status = see_text(guess, cal, &cal->texts[t], clear, err);
    free(clear);
    return status;
}

static void decide(struct calibration *cal, const struct codepage_verdict *verdict)
{
    switch (verdict->finding) {
    case CODEPAGE_FEW:
        cal_refuse(cal, PROFILE_CODEPAGE, verdict->places, 0,
                   verdict->places == 0 ? "no letter beyond ASCII was seen in %llu octets"
                                        : "too few letters beyond ASCII were seen in %llu octets",
                   (unsigned long long)verdict->octets);
        return;
    case CODEPAGE_NONE:
        cal_refuse(cal, PROFILE_CODEPAGE, 0, verdict->places,
                   "no code page that is tried makes letters of what is beyond ASCII");
        return;
    case CODEPAGE_SEVERAL:
        cal_refuse(cal, PROFILE_CODEPAGE, verdict->places, 0,
                   "code pages %s%s read what is beyond ASCII alike: set codepage in "
                   "msmailgw.conf",
                   verdict->page + 2, verdict->rivals);
        return;
    case CODEPAGE_ONE:
        snprintf(cal->profile.codepage, sizeof cal->profile.codepage, "%s", verdict->page);
        cal_accept(cal, PROFILE_CODEPAGE, verdict->places, 0,
                   "places with a letter beyond ASCII; %.0f nats before the next of %d code pages",
                   verdict->margin, CODEPAGES);
        return;
    }
}

int cal_learn_page(struct calibration *cal, struct error *err)
{
    struct codepage_guess *guess;
    struct codepage_verdict verdict;
    int status;

    if (codepage_guess_new(&guess, err) != 0)
        return -1;
    status = see_all(guess, cal, err);
    if (status == 0) {
        codepage_guess_judge(guess, &verdict);
        decide(cal, &verdict);
    }
    codepage_guess_free(guess);
    return status;
}
