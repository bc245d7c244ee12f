/* SPDX-License-Identifier: BSD-2-Clause */
/* msmailgwd: starts intake and relay, restarts what dies, reloads, ends. */
#ifndef DAEMON_PARENT_H
#define DAEMON_PARENT_H

/* The whole program; its exit status. */
int parent_main(int argc, char **argv);

#endif
