/* SPDX-License-Identifier: BSL-1.0
 * stage.c - see stage.h. */
#include "stage.h"

#include <stdlib.h>
#include <string.h>

#include "manager/manager.h"

static void must(int condition) {
  if (!condition) abort();
}

static void keep(stage_sent *into, const relay_sent *sent) {
  into->type = sent->request_type;
  into->repeated = sent->repeated;
  into->to = sent->to;
  into->chat_id = sent->chat_id;
  into->random_id = sent->random_id;
  into->size = sent->bytes.size;
  into->bytes = malloc(sent->bytes.size);
  must(into->bytes != NULL);
  memcpy(into->bytes, sent->bytes.data, sent->bytes.size);
}

static void on_sent(void *user_data, const relay_sent *sent) {
  stage *s = user_data;
  size_t from = sent->device == s->w->peers[0].device ? 0 : 1;
  if (s->first[from].bytes == NULL) keep(&s->first[from], sent);
  if (from != 0) return;
  if (s->sent_count == s->sent_capacity) {
    s->sent_capacity = s->sent_capacity == 0 ? 64 : s->sent_capacity * 2;
    s->sent = realloc(s->sent, s->sent_capacity * sizeof *s->sent);
    must(s->sent != NULL);
  }
  keep(&s->sent[s->sent_count++], sent);
}

schat_manager *stage_manager(const stage *s) {
  return s->w->peers[0].manager;
}

schat__slot *stage_slot(const stage *s) {
  return puppet_slot(stage_manager(s), s->chat_id);
}

schat_chat_info stage_info(stage *s) {
  return world_info(s->w, 0, s->chat_id);
}

stage *stage_new(uint64_t seed, int originator, const schat_policy *policy) {
  stage *s = calloc(1, sizeof *s);
  size_t i;
  must(s != NULL);
  s->w = world_new(seed, 2);
  relay_tap(s->w->relay, on_sent, s);
  if (policy != NULL) s->w->peers[0].policy = *policy;
  for (i = 0; i < 2; i++) {
    if (s->w->peers[i].policy.rekey_messages == 0) s->w->peers[i].policy.rekey_messages = UINT32_MAX;
    world_restart(s->w, i, 0);
  }
  world_run(s->w); /* both are connected again */
  s->chat_id = originator ? world_chat(s->w, 0, 1) : world_chat(s->w, 1, 0);
  must(stage_info(s).state == SCHAT_STATE_READY && world_info(s->w, 1, s->chat_id).state == SCHAT_STATE_READY);
  s->w->peers[1].deaf = 1;
  s->p = puppet_new(stage_manager(s), s->chat_id);
  must(s->p->originator == !originator);
  stage_forget(s);
  return s;
}

void stage_free(stage *s) {
  stage_forget(s);
  free(s->sent);
  free(s->first[0].bytes);
  free(s->first[1].bytes);
  puppet_free(s->p);
  world_free(s->w);
  free(s);
}

void stage_forget(stage *s) {
  while (s->sent_count > 0) free(s->sent[--s->sent_count].bytes);
  puppet_forget(s->p);
  world_forget(s->w);
}

int stage_read(stage *s, size_t i, puppet_seen *seen) {
  schat_bytes bytes;
  must(i < s->sent_count);
  bytes.data = s->sent[i].bytes;
  bytes.size = s->sent[i].size;
  return puppet_read(s->p, bytes, seen);
}

size_t stage_count(stage *s, int action) {
  puppet_seen seen;
  size_t i, count = 0;
  for (i = 0; i < s->sent_count; i++) count += stage_read(s, i, &seen) && (int)seen.action.type == action;
  return count;
}

size_t stage_find(stage *s, int32_t out_raw, size_t n) {
  puppet_seen seen;
  size_t i;
  for (i = 0; i < s->sent_count; i++) {
    if (stage_read(s, i, &seen) && seen.out_raw == out_raw && n-- == 0) return i;
  }
  return SIZE_MAX;
}

static int say(stage *s, int32_t in_raw, int32_t out_raw, schat_bytes message) {
  int status = puppet_send_raw(s->p, stage_manager(s), in_raw, out_raw, message, s->w->now);
  world_run(s->w);
  return status;
}

int stage_text_raw(stage *s, int32_t in_raw, int32_t out_raw, int64_t random_id, const char *text) {
  return say(s, in_raw, out_raw, puppet_text(s->p, random_id, text, 0));
}

int stage_action_raw(stage *s, int32_t in_raw, int32_t out_raw, const schat__action *action) {
  return say(s, in_raw, out_raw, puppet_action(s->p, action));
}

int stage_text(stage *s, int64_t random_id, const char *text) {
  return stage_text_raw(s, s->p->in_raw, s->p->out_raw++, random_id, text);
}

int stage_action(stage *s, const schat__action *action) {
  return stage_action_raw(s, s->p->in_raw, s->p->out_raw++, action);
}

int stage_resend(stage *s, int32_t in_raw, int32_t out_raw, int32_t first, int32_t last) {
  schat__action action;
  memset(&action, 0, sizeof action);
  action.type = SCHAT__ACTION_RESEND;
  action.start = schat__wire_out(first, !s->p->originator);
  action.end = schat__wire_out(last, !s->p->originator);
  return stage_action_raw(s, in_raw, out_raw, &action);
}

void stage_acknowledge(stage *s) {
  schat__action noop;
  memset(&noop, 0, sizeof noop);
  noop.type = SCHAT__ACTION_NOOP;
  s->p->in_raw = stage_slot(s)->chat.out_seq;
  must(stage_action(s, &noop) == SCHAT_OK);
}

void stage_rewind(stage *s, const memstore *image) {
  world_peer *peer = &s->w->peers[0];
  memstore *old = peer->store; /* the open manager writes to it while it closes */
  peer->store = memstore_clone(image);
  world_restart(s->w, 0, 1);
  memstore_free(old);
}

static int is_the_same(const memstore *a, const memstore *b) {
  schat_record record, other;
  size_t i;
  for (i = 0; memstore_record(a, i, &record); i++) {
    if (record.kind == SCHAT_RECORD_ACCOUNT) continue;
    if (!memstore_get(b, record.kind, record.chat_id, record.key, &other)) return 0;
    if (record.value.size != other.value.size || memcmp(record.value.data, other.value.data, other.value.size) != 0) return 0;
  }
  return 1;
}

int stage_same(const memstore *a, const memstore *b) {
  return memstore_count(a, 0) == memstore_count(b, 0) && is_the_same(a, b);
}

static size_t occurrences(const uint8_t *data, size_t size, const void *needle, size_t needle_size) {
  size_t at, count = 0;
  for (at = 0; at + needle_size <= size; at++) count += memcmp(data + at, needle, needle_size) == 0;
  return count;
}

size_t stage_find_plain(const memstore *image, const void *needle, size_t size) {
  schat__crypto *crypto;
  schat__sealer *sealer;
  schat_record record;
  size_t i, count = 0;
  must(schat__crypto_new(NULL, NULL, NULL, &crypto) == SCHAT_OK);
  must(schat__sealer_new(NULL, crypto, world_storage_key(), &sealer) == SCHAT_OK);
  for (i = 0; memstore_record(image, i, &record); i++) {
    size_t plain_size = record.value.size - SCHAT__SEAL_OVERHEAD;
    uint8_t aad[SCHAT__AAD_SIZE], *plain = malloc(plain_size + 1);
    must(plain != NULL);
    schat__record_aad(aad, record.kind, record.chat_id, record.key);
    must(schat__unseal(sealer, aad, sizeof aad, record.value.data, record.value.size, plain) == 1);
    count += occurrences(plain, plain_size, needle, size);
    free(plain);
  }
  schat__sealer_free(sealer);
  schat__crypto_free(crypto);
  return count;
}
