/* SPDX-License-Identifier: BSL-1.0
 * command.h - what the line peer understands. */
#ifndef SCHAT_TESTS_LINE_PEER_COMMAND_H
#define SCHAT_TESTS_LINE_PEER_COMMAND_H

#include "peer.h"

/* Carries out one line and prints everything it causes but the final `ok`. 0 for `quit`, otherwise 1. */
int command_run(peer *p, char *line);

#endif
