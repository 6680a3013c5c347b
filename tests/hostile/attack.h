/* SPDX-License-Identifier: BSL-1.0
 * attack.h - one hostile input to a manager whose chats must not notice. */
#ifndef SCHAT_TESTS_HOSTILE_ATTACK_H
#define SCHAT_TESTS_HOSTILE_ATTACK_H

#include "corpus.h"
#include "mutate.h"
#include "secretchat/secretchat.h"

typedef struct {
  schat_manager *manager;
  const corpus *corpus;
  prng random;
  int64_t now;
  const int32_t *chat_ids;
  size_t chat_count;
  uint8_t buffer[MUTATE_MAX];
} attacker;

/* Feeds one input: wrong in some way, or an exact replay. 0, or the status that it must not have had. */
int attack(attacker *a);

#endif
