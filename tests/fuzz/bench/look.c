/* SPDX-License-Identifier: BSL-1.0
 * look.c - looks at everything a manager holds: as one number, and record by record against its store. */
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "vault.h"

#define RETRY_AT 25u /* of OUTBOX: zero after every opening, whatever is stored */
#define RECORD_MAX ((size_t)1 << 21)

/* As one number ------------------------------------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t digest, uint64_t number) {
  return (digest ^ number) * UINT64_C(0x9e3779b97f4a7c15) + (digest >> 29);
}

static uint64_t digest_item(const schat__item *item) {
  uint64_t digest = mix(item->kind, (uint64_t)item->key);
  digest = mix(digest, fuzz_digest(item->data, item->size));
  return mix(digest, fuzz_digest(&item->u, sizeof item->u));
}

static uint64_t digest_slot(const schat__slot *slot) {
  uint64_t digest = fuzz_digest(&slot->chat, sizeof slot->chat);
  if (slot->secrets != NULL) digest = mix(digest, fuzz_digest(slot->secrets, sizeof *slot->secrets));
  for (int kind = 0; kind < SCHAT__ITEM_KINDS; kind++) {
    for (size_t i = 0; i < schat__count(slot, (schat__item_kind)kind); i++) {
      digest = mix(digest, digest_item(schat__item_at(slot, (schat__item_kind)kind, i)));
    }
  }
  return digest;
}

static uint64_t digest_effects(const schat__env *env) {
  uint64_t digest = 1;
  for (const schat__effect *effect = env->first_effect; effect != NULL; effect = effect->next) {
    digest = mix(digest, effect->token ^ effect->event_id << 32);
    digest = mix(digest, effect->after ^ (uint64_t)effect->ref << 20);
    digest =
        mix(digest, (uint64_t)(uint32_t)effect->chat_id << 32 | effect->type << 4 | (uint32_t)(effect->dropped != 0) << 1 | effect->repeated);
    digest = mix(digest, fuzz_digest(effect->data, effect->size));
  }
  return digest;
}

static uint64_t digest_account(const schat_manager *m) {
  const schat__env *env = &m->env;
  uint64_t digest = fuzz_digest(&env->account, sizeof env->account);
  digest = mix(digest, fuzz_digest(&env->stats, sizeof env->stats));
  for (size_t i = 0; i < env->config_count; i++) digest = mix(digest, (uint64_t)env->configs[i].key);
  for (size_t i = 0; i < env->flight_count; i++) digest = mix(digest, env->flights[i].token ^ (uint64_t)env->flights[i].ref << 24);
  for (size_t i = 0; i < env->handed_count; i++) digest = mix(digest, env->handed[i]);
  for (size_t i = 0; i < m->pending_count; i++) digest = mix(digest, m->pending[i].ticket << 1 | (m->pending[i].done != 0));
  digest = mix(digest, env->stored_events);
  digest = mix(digest, (uint64_t)m->depth);
  digest = mix(digest, (uint64_t)m->stored_clock);
  digest = mix(digest, (uint32_t)env->queue.acked_qts);
  digest = mix(digest, (uint64_t)env->queue.queue_retry_at);
  digest = mix(digest, (uint64_t)env->queue.difference_retry_at);
  digest = mix(digest, env->queue.difference_token);
  return mix(digest, (uint64_t)(env->queue.difference_wanted << 1 | env->queue.adopt_qts));
}

/* The order of slots in the table says nothing. */
uint64_t bench_digest(const schat_manager *m) {
  uint64_t digest = mix(digest_account(m), digest_effects(&m->env));
  const schat__slot *slot;
  size_t at = 0;
  while ((slot = schat__table_next(&m->env.table, &at)) != NULL) digest += digest_slot(slot);
  return digest;
}

/* Against the store --------------------------------------------------------------------------------------------------------- */

static uint8_t *scratch(void) {
  static uint8_t *bytes;
  if (bytes == NULL) bytes = malloc(RECORD_MAX);
  FUZZ_MUST(bytes != NULL);
  return bytes;
}

static void is_stored(const memstore *store, uint32_t kind, int32_t chat_id, int64_t key, const schat__writer *w) {
  size_t size = 0;
  uint8_t *plain = vault_get(store, kind, chat_id, key, &size);
  FUZZ_MUST(schat__writer_fits(w));
  FUZZ_MUST(plain != NULL);
  if (kind == SCHAT_RECORD_OUTBOX && size == w->size) memcpy(plain + RETRY_AT, w->data + RETRY_AT, 8);
  FUZZ_MUST(size == w->size && memcmp(plain, w->data, size) == 0);
  free(plain);
}

static size_t check_slot(const memstore *store, const schat__slot *slot) {
  const int32_t id = slot->chat.chat_id;
  schat__writer w = {scratch(), RECORD_MAX, 0};
  size_t records = 2;
  FUZZ_MUST(schat__chat_check(slot));
  schat__chat_write(&w, &slot->chat);
  is_stored(store, SCHAT_RECORD_CHAT, id, 0, &w);
  w.size = 0;
  schat__keys_write(&w, slot);
  is_stored(store, SCHAT_RECORD_KEYS, id, 0, &w);
  for (int kind = 0; kind < SCHAT__ITEM_KINDS; kind++) {
    for (size_t i = 0; i < schat__count(slot, (schat__item_kind)kind); i++, records++) {
      const schat__item *item = schat__item_at(slot, (schat__item_kind)kind, i);
      int64_t key;
      const uint32_t record = schat__item_record(item, &key);
      w.size = 0;
      schat__item_write(&w, item);
      is_stored(store, record, id, key, &w);
    }
  }
  return records;
}

static size_t check_events(const memstore *store, const schat__env *env) {
  schat__writer w = {scratch(), RECORD_MAX, 0};
  size_t records = env->handed_count, stored = 0;
  for (const schat__effect *effect = env->first_effect; effect != NULL; effect = effect->next) {
    stored += effect->event_id != 0;
    if (effect->event_id == 0 || effect->dropped) continue; /* a dropped one has no record, and counts until it is passed over */
    if ((env->policy.flags & SCHAT_POLICY_EVENTS_IN_COMMIT) != 0) continue;
    w.size = 0;
    schat__event_write(&w, effect->data, effect->size);
    is_stored(store, SCHAT_RECORD_EVENT, 0, (int64_t)effect->event_id, &w);
    records++;
  }
  FUZZ_MUST(stored == env->stored_events);
  return records;
}

void bench_check(const bench *b) {
  const schat_manager *m = b->manager;
  const schat__slot *slot;
  size_t at = 0, records = 0;
  if (m == NULL || b->hostile_store || m->poisoned || m->depth > 0 || m->pending_count > 0 || memstore_pending(b->store) > 0) return;
  while ((slot = schat__table_next(&m->env.table, &at)) != NULL) records += check_slot(b->store, slot);
  records += check_events(b->store, &m->env) + m->env.config_count;
  for (size_t i = 0; i < m->env.config_count; i++) {
    schat__writer w = {scratch(), RECORD_MAX, 0};
    schat__config_write(&w, &m->env.configs[i]);
    is_stored(b->store, SCHAT_RECORD_DH_CONFIG, 0, m->env.configs[i].key, &w);
  }
  records += memstore_count(b->store, SCHAT_RECORD_ACCOUNT);
  if ((b->policy_flags & SCHAT_POLICY_EVENTS_IN_COMMIT) == 0) FUZZ_MUST(records == memstore_count(b->store, 0));
}
