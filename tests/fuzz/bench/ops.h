/* SPDX-License-Identifier: BSL-1.0
 * ops.h - what can be done to an account, chosen by the bytes of an input: messages of a peer that knows the keys and keeps no rule, facts of a
 * server that lies, commands of a careless host, and the misfortunes of a machine. Each returns when its checks have held. */
#ifndef SCHAT_TESTS_FUZZ_OPS_H
#define SCHAT_TESTS_FUZZ_OPS_H

#include "bench.h"

/* Authentic messages under the chat's keys: peer.c. only_keys: key exchanges and Resend. */
void op_peer(bench *b, fuzz_input *in, int only_keys);
/* Updates, answers, errors, differences: facts.c. */
void op_fact(bench *b, fuzz_input *in);
/* Every command and query of the interface: commands.c. */
void op_command(bench *b, fuzz_input *in);
/* Time, failures, restarts, commits that are late or lost: machine.c. */
void op_machine(bench *b, fuzz_input *in);

/* One of the image's chats, another that exists, or any number. */
int32_t op_chat_id(const bench *b, fuzz_input *in);
/* A random_id that a chat knows, or any. */
int64_t op_random_id(const bench *b, int32_t chat_id, fuzz_input *in);
/* A position in the server's queue, so far behind the one that is known; never past the last there is. */
int32_t op_qts(const bench *b, uint32_t further);
/* Seals what a peer of this chat says next; the bytes live through the next few calls. Empty when the chat has no key. */
schat_bytes op_seal(const bench *b, int32_t chat_id, fuzz_input *in, int only_keys);
/* What an input of a peer or a server may return. */
void op_must_be_taken(const bench *b, int status);

#endif
