/* SPDX-License-Identifier: BSL-1.0
 * ahead.c - messages that are known to come next are opened together, ahead of the steps that take them. What a step finds here is what it
 * would have found itself; where anything differs, it opens the message as if nothing had been done. */
#include <string.h>

#include "../common/poison.h"
#include "chat.h"

#define WINDOW 32u
#define WINDOW_BYTES (256u << 10)

typedef struct {
  const schat_encrypted_message *wire;
  uint8_t key[SCHAT__DH_SIZE]; /* a copy: the chat's may be replaced before the message's turn */
} taken;

struct schat__ahead {
  size_t count;
  taken taken[WINDOW];
  schat__open_job jobs[WINDOW];
};

static int may_open(const schat__env *env, const schat_encrypted_message *wire) {
  return wire->bytes.size >= SCHAT__MESSAGE_MIN && wire->bytes.size <= env->policy.max_message_bytes &&
         (wire->bytes.size - SCHAT__ENVELOPE_HEAD) % 16 == 0;
}

/* A place in the window for what its chat has a key for. SCHAT_E_NOMEM ends the window, nothing else. */
static int take(schat__env *env, schat__ahead *a, const schat_encrypted_message *wire) {
  const schat__slot *slot = schat__table_find(&env->table, wire->chat_id);
  schat__open_job *job = &a->jobs[a->count];
  int64_t fingerprint;
  const uint8_t *key;
  if (slot == NULL || !may_open(env, wire)) return SCHAT_OK;
  fingerprint = schat__envelope_fingerprint(wire->bytes.data);
  key = schat__key_of(slot, fingerprint);
  if (key == NULL) return SCHAT_OK;
  job->work = schat__arena_take(&env->ahead_arena, wire->bytes.size - SCHAT__ENVELOPE_HEAD);
  if (job->work == NULL) return SCHAT_E_NOMEM;
  memcpy(a->taken[a->count].key, key, SCHAT__DH_SIZE);
  a->taken[a->count].wire = wire;
  job->key = a->taken[a->count].key;
  job->key_fingerprint = fingerprint;
  job->sender_is_originator = !schat__is_originator(&slot->chat);
  job->message = wire->bytes.data;
  job->size = wire->bytes.size;
  a->count++;
  return SCHAT_OK;
}

size_t schat__ahead_open(schat__env *env, const schat_encrypted_message *messages, size_t count) {
  schat__ahead *a;
  size_t i, bytes = 0;
  schat__ahead_end(env);
  if (count < 2 || !schat__ige_gains(env->crypto)) return count;
  a = schat__arena_take(&env->ahead_arena, sizeof *a);
  if (a == NULL) return count;
  for (i = 0; i < count && a->count < WINDOW && bytes <= WINDOW_BYTES; i++) {
    if (take(env, a, &messages[i]) != SCHAT_OK) break;
    bytes += messages[i].bytes.size;
  }
  schat__envelope_open_n(env->crypto, a->jobs, a->count);
  env->ahead = a;
  return i > 0 ? i : 1;
}

void schat__ahead_end(schat__env *env) {
  env->ahead = NULL;
  schat__arena_reset(&env->ahead_arena);
}

int schat__ahead_find(const schat__env *env, const schat_encrypted_message *wire, const uint8_t *key, int64_t fingerprint,
                      int sender_is_originator, schat_bytes *object, int *verdict) {
  const schat__ahead *a = env->ahead;
  size_t i;
  int same;
  for (i = 0; a != NULL && i < a->count; i++) {
    const schat__open_job *job = &a->jobs[i];
    if (a->taken[i].wire != wire) continue;
    if (job->verdict < 0 || job->key_fingerprint != fingerprint || job->sender_is_originator != sender_is_originator) return 0;
    same = schat__equal(job->key, key, SCHAT__DH_SIZE);
    SCHAT__PUBLIC(&same, sizeof same); /* whether a rekeying came between is no secret */
    if (!same) return 0;
    object->data = job->object;
    object->size = job->object_size;
    *verdict = job->verdict;
    return 1;
  }
  return 0;
}
