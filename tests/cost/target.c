/* SPDX-License-Identifier: BSL-1.0
 * target.c - see target.h. */
#include "target.h"

#include <stdlib.h>
#include <string.h>

#include "manager/manager.h"

static void must(int condition) {
  if (!condition) abort();
}

/* A store that takes everything and keeps nothing: what an attack writes is counted, and is not the library's memory. */
static int count_commit(void *user_data, const schat_batch *batch) {
  work *w = work_sum();
  (void)user_data;
  w->commits++;
  w->records += batch->record_count;
  for (size_t i = 0; i < batch->record_count; i++) w->store_bytes += batch->records[i].value.size;
  return SCHAT_OK;
}

static int scan_image(void *user_data, schat_record_fn fn, void *arg) {
  const target *t = user_data;
  const schat_store *store = memstore_store(t->image);
  return store->scan(store->user_data, fn, arg);
}

static void open_it(target *t) {
  schat_config config;
  schat_policy policy;
  SCHAT_INIT(t->store);
  t->store.user_data = t;
  t->store.commit = count_commit;
  t->store.scan = scan_image;
  SCHAT_INIT(policy);
  policy.flags = SCHAT_POLICY_CHAIN_SENDS;
  SCHAT_INIT(config);
  config.store = &t->store;
  config.policy = &policy;
  config.allocator = work_allocator();
  config.storage_key = world_storage_key();
  must(schat_open(&config, t->now, &t->m) == SCHAT_OK);
  work_watch(t->m->env.crypto);
  must(schat_tick(t->m, t->now) >= 0);
  target_drain(t);
}

target *target_new(uint64_t seed) {
  target *t = calloc(1, sizeof *t);
  must(t != NULL);
  t->s = stage_new(seed, 1, NULL);
  t->p = t->s->p;
  t->chat_id = t->s->chat_id;
  t->now = t->s->w->now;
  must(stage_text(t->s, 1, "the first") == SCHAT_OK); /* version 2 is known from here on */
  stage_acknowledge(t->s);
  t->image = world_image(t->s->w, 0);
  open_it(t);
  puppet_follow(t->p, t->m);
  return t;
}

void target_free(target *t) {
  schat_close(t->m);
  memstore_free(t->image);
  stage_free(t->s);
  free(t);
}

schat__slot *target_slot(const target *t) {
  return puppet_slot(t->m, t->chat_id);
}

static int is_send(int32_t type) {
  return type == SCHAT_REQUEST_SEND_ENCRYPTED || type == SCHAT_REQUEST_SEND_ENCRYPTED_FILE || type == SCHAT_REQUEST_SEND_SERVICE;
}

static void confirm(target *t, uint64_t token, int32_t type) {
  schat_answer answer;
  SCHAT_INIT(answer);
  answer.type = is_send(type) ? SCHAT_ANSWER_SENT : SCHAT_ANSWER_DONE;
  answer.date = (int32_t)(t->now / 1000);
  if (is_send(type) || type == SCHAT_REQUEST_RECEIVED_QUEUE || type == SCHAT_REQUEST_DISCARD_ENCRYPTION) {
    must(schat_request_done(t->m, token, &answer, t->now) >= 0);
  }
}

void target_drain(target *t) {
  schat_effect effect;
  SCHAT_INIT(effect);
  work_count(1);
  while (schat_peek(t->m, &effect) == SCHAT_OK) {
    uint64_t token = effect.request != NULL ? effect.request->token : 0;
    int32_t type = effect.request != NULL ? effect.request->type : 0;
    if (token != 0) work_sum()->requests++;
    if (token == 0) work_sum()->events++;
    must(schat_pop(t->m) == SCHAT_OK);
    if (token != 0) confirm(t, token, type);
  }
  work_count(0);
}

static int after(target *t, int status) {
  work_count(0);
  if (!t->deaf) target_drain(t);
  return status;
}

int target_message(target *t, int32_t chat_id, const uint8_t *bytes, size_t size, int32_t qts) {
  schat_encrypted_message message;
  SCHAT_INIT(message);
  message.chat_id = chat_id;
  message.date = (int32_t)(t->now / 1000);
  message.bytes.data = bytes;
  message.bytes.size = size;
  work_count(1);
  return after(t, schat_input_message(t->m, &message, qts, t->now));
}

int target_say(target *t, int32_t in_raw, int32_t out_raw, schat_bytes object) {
  size_t size;
  uint8_t *bytes = puppet_seal(t->p, schat__wire_in(in_raw, t->p->originator), schat__wire_out(out_raw, t->p->originator), object, &size);
  int status = target_message(t, t->chat_id, bytes, size, 0);
  free(bytes);
  return status;
}

int target_act(target *t, const schat__action *action) {
  int status = target_say(t, t->p->in_raw, t->p->out_raw++, puppet_action(t->p, action));
  puppet_forget(t->p);
  return status;
}

int target_chat(target *t, const schat_chat_update *update) {
  work_count(1);
  return after(t, schat_input_chat(t->m, update, t->now));
}

int target_typing(target *t) {
  work_count(1);
  return after(t, schat_input_typing(t->m, t->chat_id, t->now));
}

int target_read(target *t, int32_t date) {
  work_count(1);
  return after(t, schat_input_read(t->m, t->chat_id, date, date, t->now));
}

int target_difference(target *t, const schat_difference *difference) {
  work_count(1);
  return after(t, schat_input_difference(t->m, difference, t->now));
}

void target_pass(target *t, int64_t milliseconds) {
  t->now += milliseconds;
  work_count(1);
  must(schat_tick(t->m, t->now) >= 0);
  work_count(0);
  if (!t->deaf) target_drain(t);
}
