/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Test builds only (configure --enable-steps): each step of the native door asks whether it may go
 * on, so that a test does something to the postoffice at exactly that point. doc/STEPS is the list.
 * In all other builds step() is the constant 0, and nothing of it is in the programs.
 *
 * MSMAILGW_STEPS=PATH in the environment names two FIFOs, PATH.at and PATH.go: the name of the step
 * goes to the first, a line with a decimal number comes from the second. Without the variable
 * nothing is asked.
 */
#ifndef BASE_STEP_H
#define BASE_STEP_H

#include "base/attr.h"
#include "base/error.h"

#ifdef MSMAILGW_STEPS

/* Before the operation that NAME stands for. 0: go on. -1: the operation is to fail with the errno
 * that was answered, ERROR_DATA for ENOENT and ERROR_SOFT for all others, as root_open_file does.
 * Aborts when no answer comes within 60 s. */
int step(const char *name, struct error *err) WARN_UNUSED;

/* The same where nothing can be reported: the answer is not looked at. */
void step_passed(const char *name);

#else
#define step(name, err) 0
#define step_passed(name) ((void)0)
#endif

#endif
