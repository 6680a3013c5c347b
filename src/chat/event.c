/* SPDX-License-Identifier: BSL-1.0
 * event.c - effects: events in the flat form that is queued and stored, and requests with their tokens. */
#include <string.h>

#include "journal.h"

int schat__event_is_stored(int32_t type) {
  switch (type) {
    case SCHAT_EVENT_CHAT:
    case SCHAT_EVENT_DELIVERED:
    case SCHAT_EVENT_TYPING:
    case SCHAT_EVENT_REJECTED:
    case SCHAT_EVENT_REKEYED:
    case SCHAT_EVENT_REKEY_FAILED:
    case SCHAT_EVENT_GAP:
    case SCHAT_EVENT_PEER_NEWER_LAYER:
    case SCHAT_EVENT_IN_SEQ_NO_REPAIRED:
      return 0; /* told by schat_chat_get_info too, or of no use later */
    default:
      return 1;
  }
}

/* What others can make us tell without end and without a commit: no more than so many wait for a host that does not listen. Each
 * is counted elsewhere or told by schat_chat_get_info. */
#define PASSING_MAX 1000u

static int is_passing(uint32_t type) {
  return !schat__event_is_stored((int32_t)type) && type != SCHAT_EVENT_CHAT && type != SCHAT_EVENT_DELIVERED;
}

#define EVENT_FIXED 76u /* what stands before the ids */

static uint8_t *put32(uint8_t *p, int32_t v) { return schat__put32(p, (uint32_t)v); }

static void put_event(uint8_t *p, const schat__event *e) {
  p = put32(p, e->type);
  p = put32(p, e->chat_id);
  p = put32(p, e->reason);
  p = put32(p, e->date);
  p = put32(p, e->value);
  p = put32(p, e->old_chat_id);
  p = put32(p, e->place);
  p = put32(p, e->error_code);
  p = put32(p, e->notify);
  p = schat__put64(p, (uint64_t)e->random_id);
  p = schat__put64(p, (uint64_t)e->file.id);
  p = schat__put64(p, (uint64_t)e->file.access_hash);
  p = schat__put64(p, (uint64_t)e->file.size);
  p = put32(p, e->file.dc_id);
  p = put32(p, e->file.key_fingerprint);
  (void)p;
}

static void write_event(schat__writer *w, const schat__event *e) {
  uint8_t *p = schat__write_room(w, EVENT_FIXED);
  size_t i;
  if (p != NULL) put_event(p, e);
  schat__write32(w, (uint32_t)e->random_id_count);
  for (i = 0; i < e->random_id_count; i++) schat__write64(w, (uint64_t)e->random_ids[i]);
  schat__write_blob(w, e->object.data, e->object.size);
  schat__write_blob(w, e->error_text.data, e->error_text.size);
}

static void read_file(schat__reader *r, schat_encrypted_file *file) {
  file->id = schat__int64(schat__read64(r));
  file->access_hash = schat__int64(schat__read64(r));
  file->size = schat__int64(schat__read64(r));
  file->dc_id = schat__int32(schat__read32(r));
  file->key_fingerprint = schat__int32(schat__read32(r));
}

static int read_ids(schat__arena *arena, schat__reader *r, schat__event *e) {
  size_t count = schat__read32(r), i;
  int64_t *ids;
  if (r->failed || count > (r->size - r->at) / 8) return SCHAT_E_CORRUPT;
  if (count == 0) return SCHAT_OK;
  ids = schat__arena_take(arena, count * sizeof *ids);
  if (ids == NULL) return SCHAT_E_NOMEM;
  for (i = 0; i < count; i++) ids[i] = schat__int64(schat__read64(r));
  e->random_ids = ids;
  e->random_id_count = count;
  return SCHAT_OK;
}

int schat__event_decode(schat__arena *arena, const uint8_t *data, size_t size, schat__event *event) {
  schat__reader r = {data, size, 0, 0};
  schat__event e;
  int status;
  memset(&e, 0, sizeof e);
  e.type = schat__int32(schat__read32(&r));
  e.chat_id = schat__int32(schat__read32(&r));
  e.reason = schat__int32(schat__read32(&r));
  e.date = schat__int32(schat__read32(&r));
  e.value = schat__int32(schat__read32(&r));
  e.old_chat_id = schat__int32(schat__read32(&r));
  e.place = schat__int32(schat__read32(&r));
  e.error_code = schat__int32(schat__read32(&r));
  e.notify = schat__int32(schat__read32(&r));
  e.random_id = schat__int64(schat__read64(&r));
  read_file(&r, &e.file);
  status = read_ids(arena, &r, &e);
  if (status != SCHAT_OK) return status;
  e.object.data = schat__read_blob(&r, &e.object.size);
  e.error_text.data = schat__read_blob(&r, &e.error_text.size);
  if (!schat__reader_done(&r)) return SCHAT_E_CORRUPT;
  *event = e;
  return SCHAT_OK;
}

/* Requests, and events that only name something, come and go with every message: a few of their blocks are kept. */
#define SPARE_EFFECT (sizeof(schat__effect) + 88u)
#define SPARES_MOST 8u

static schat__effect *take_spare(schat__env *env) {
  schat__effect *effect = env->spare_effects;
  if (effect == NULL) return schat__alloc(env->mem, SPARE_EFFECT);
  env->spare_effects = effect->next;
  env->spare_count--;
  effect->next = NULL;
  return effect;
}

static size_t block_size(size_t size) {
  return sizeof(schat__effect) + size <= SPARE_EFFECT ? SPARE_EFFECT : sizeof(schat__effect) + size;
}

static void free_block(schat__env *env, schat__effect *effect) {
  const size_t size = block_size(effect->size);
  if (size != SPARE_EFFECT || env->spare_count == SPARES_MOST) {
    schat__free(env->mem, effect, size);
    return;
  }
  schat__wipe(effect, size);
  effect->next = env->spare_effects;
  env->spare_effects = effect;
  env->spare_count++;
}

void schat__effects_forget_spares(schat__env *env) {
  while (env->spare_effects != NULL) {
    schat__effect *effect = take_spare(env);
    schat__free(env->mem, effect, SPARE_EFFECT);
  }
}

static schat__effect *new_effect(schat__env *env, size_t size) {
  schat__effect *effect;
  if (size > UINT32_MAX) return NULL;
  effect = block_size(size) == SPARE_EFFECT ? take_spare(env) : schat__alloc(env->mem, block_size(size));
  if (effect == NULL) return NULL;
  effect->size = (uint32_t)size;
  effect->ticket = env->group;
  return effect;
}

void schat__effect_free(schat__env *env, schat__effect *effect) {
  if (!effect->is_request && is_passing(effect->type)) env->passing_events--;
  free_block(env, effect);
}

static void append(schat__env *env, schat__effect *effect) {
  if (env->last_effect == NULL) {
    env->first_effect = effect;
  } else {
    env->last_effect->next = effect;
  }
  env->last_effect = effect;
}

/* Every stored event must find room among the handed ones later, when nothing may fail. */
static int reserve_handed(schat__env *env) {
  size_t needed = env->handed_count + env->stored_events + 1, capacity;
  uint64_t *grown;
  if (needed <= env->handed_capacity) return SCHAT_OK;
  capacity = needed < 8 ? 8 : needed * 2;
  grown = schat__alloc(env->mem, capacity * sizeof *grown);
  if (grown == NULL) return SCHAT_E_NOMEM;
  if (env->handed_count > 0) memcpy(grown, env->handed, env->handed_count * sizeof *grown);
  schat__free(env->mem, env->handed, env->handed_capacity * sizeof *grown);
  env->handed = grown;
  env->handed_capacity = capacity;
  return SCHAT_OK;
}

int schat__emit(schat__env *env, const schat__event *event) {
  schat__writer w = {NULL, 0, 0};
  schat__effect *effect;
  int stored = schat__event_is_stored(event->type), passing = is_passing((uint32_t)event->type);
  if (passing && env->passing_events >= PASSING_MAX) return SCHAT_OK;
  if (stored && reserve_handed(env) != SCHAT_OK) return SCHAT_E_NOMEM;
  write_event(&w, event);
  effect = new_effect(env, w.size);
  if (effect == NULL) return SCHAT_E_NOMEM;
  w.data = effect->data;
  w.capacity = w.size;
  w.size = 0;
  write_event(&w, event);
  effect->type = (uint32_t)event->type;
  effect->chat_id = event->chat_id;
  effect->ref = event->random_id;
  if (stored) {
    effect->event_id = ++env->account.next_event;
    env->stored_events++;
    env->account_dirty = 1;
  }
  env->passing_events += (size_t)passing;
  append(env, effect);
  return SCHAT_OK;
}

int schat__effect_load(schat__env *env, uint64_t id, const uint8_t *data, size_t size) {
  schat__reader r = {data, size, 0, 0};
  schat__effect *effect;
  if (reserve_handed(env) != SCHAT_OK || (effect = new_effect(env, size)) == NULL) return SCHAT_E_NOMEM;
  memcpy(effect->data, data, size);
  effect->type = schat__read32(&r);
  effect->chat_id = schat__int32(schat__read32(&r));
  schat__read_span(&r, 28);
  effect->ref = schat__int64(schat__read64(&r));
  effect->event_id = id;
  effect->repeated = 1;
  effect->ticket = 0;
  env->stored_events++;
  append(env, effect);
  return r.failed ? SCHAT_E_CORRUPT : SCHAT_OK;
}

int schat__emit_simple(schat__env *env, const schat__slot *slot, int32_t type, int32_t value) {
  schat__event event;
  memset(&event, 0, sizeof event);
  event.type = type;
  event.chat_id = slot->chat.chat_id;
  event.value = value;
  return schat__emit(env, &event);
}

int schat__emit_rejected(schat__env *env, int32_t chat_id, schat_reject reason) {
  schat__event event;
  int status;
  memset(&event, 0, sizeof event);
  event.type = SCHAT_EVENT_REJECTED;
  event.chat_id = chat_id;
  event.reason = (int32_t)reason;
  status = schat__emit(env, &event);
  if (status != SCHAT_OK) return status;
  env->stats.rejected++;
  return SCHAT_REJECTED;
}

int schat__emit_chat(schat__env *env, const schat__slot *slot) {
  const schat__effect *last = env->last_effect;
  /* Its content is read when it is handed over: one is enough for several changes in a row. */
  if (last != NULL && last->ticket == env->group && !last->is_request && last->type == SCHAT_EVENT_CHAT &&
      last->chat_id == slot->chat.chat_id) {
    return SCHAT_OK;
  }
  return schat__emit_simple(env, slot, SCHAT_EVENT_CHAT, 0);
}

static int drop_effect(schat__env *env, schat__effect *effect) {
  schat__undo *undo = schat__journal_add(env, SCHAT__UNDO_EFFECT_DROPPED, NULL);
  if (undo == NULL) return SCHAT_E_NOMEM;
  undo->u.effect = effect;
  effect->dropped = env->group;
  return SCHAT_OK;
}

static int holds_content(const schat__effect *effect, int32_t chat_id) {
  return !effect->is_request && !effect->dropped && effect->chat_id == chat_id &&
         (effect->type == SCHAT_EVENT_MESSAGE || effect->type == SCHAT_EVENT_UNSUPPORTED);
}

int schat__events_forget(schat__env *env, int32_t chat_id, int64_t random_id) {
  schat__effect *effect;
  for (effect = env->first_effect; effect != NULL; effect = effect->next) {
    if (holds_content(effect, chat_id) && effect->ref == random_id && drop_effect(env, effect) != SCHAT_OK) return SCHAT_E_NOMEM;
  }
  return SCHAT_OK;
}

int schat__events_forget_many(schat__env *env, int32_t chat_id, const schat__ids *ids) {
  schat__effect *effect;
  for (effect = env->first_effect; effect != NULL; effect = effect->next) {
    if (holds_content(effect, chat_id) && ids->has(ids, effect->ref) && drop_effect(env, effect) != SCHAT_OK) return SCHAT_E_NOMEM;
  }
  return SCHAT_OK;
}

int schat__events_forget_chat(schat__env *env, int32_t chat_id) {
  schat__effect *effect;
  for (effect = env->first_effect; effect != NULL; effect = effect->next) {
    if (holds_content(effect, chat_id) && drop_effect(env, effect) != SCHAT_OK) return SCHAT_E_NOMEM;
  }
  return SCHAT_OK;
}

static int reserve_flight(schat__env *env) {
  size_t capacity;
  schat__flight *grown;
  if (env->flight_count < env->flight_capacity) return SCHAT_OK;
  capacity = env->flight_capacity == 0 ? 16 : env->flight_capacity * 2;
  grown = schat__alloc(env->mem, capacity * sizeof *grown);
  if (grown == NULL) return SCHAT_E_NOMEM;
  if (env->flight_count > 0) memcpy(grown, env->flights, env->flight_count * sizeof *grown);
  schat__free(env->mem, env->flights, env->flight_capacity * sizeof *grown);
  env->flights = grown;
  env->flight_capacity = capacity;
  return SCHAT_OK;
}

int schat__request(schat__env *env, int32_t chat_id, int32_t type, int64_t ref, uint64_t *token) {
  schat__effect *effect;
  schat__flight flight;
  if (reserve_flight(env) != SCHAT_OK || (effect = new_effect(env, 0)) == NULL) return SCHAT_E_NOMEM;
  effect->is_request = 1;
  effect->type = (uint32_t)type;
  effect->chat_id = chat_id;
  effect->ref = ref;
  effect->token = ++env->next_token;
  flight.token = effect->token;
  flight.type = effect->type;
  flight.chat_id = chat_id;
  flight.ref = ref;
  env->flights[env->flight_count++] = flight;
  append(env, effect);
  *token = effect->token;
  return SCHAT_OK;
}

schat__flight *schat__flight_find(schat__env *env, uint64_t token) {
  size_t low = 0, high = env->flight_count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (env->flights[middle].token < token) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low < env->flight_count && env->flights[low].token == token ? &env->flights[low] : NULL;
}

void schat__flight_insert(schat__env *env, const schat__flight *flight) {
  size_t i = env->flight_count++;
  while (i > 0 && env->flights[i - 1].token > flight->token) {
    env->flights[i] = env->flights[i - 1];
    i--;
  }
  env->flights[i] = *flight;
}

static void take_out(schat__env *env, schat__flight *flight) {
  env->flight_count--;
  memmove(flight, flight + 1, (size_t)(env->flights + env->flight_count - flight) * sizeof *flight);
}

void schat__flight_forget(schat__env *env, uint64_t token) {
  schat__flight *flight = schat__flight_find(env, token);
  if (flight != NULL) take_out(env, flight);
}

int schat__flight_remove(schat__env *env, uint64_t token) {
  schat__flight *flight = schat__flight_find(env, token);
  schat__undo *undo;
  if (flight == NULL) return SCHAT_OK;
  undo = schat__journal_add(env, SCHAT__UNDO_FLIGHT_GONE, NULL);
  if (undo == NULL) return SCHAT_E_NOMEM;
  undo->u.flight = *flight;
  take_out(env, flight);
  return SCHAT_OK;
}
