/* SPDX-License-Identifier: BSL-1.0
 * stand.c - see stand.h. */
#include "stand.h"

#include "stage.h"

/* Ours first, of which the peer confirms as many as it should; then the rest of its messages. */
static int reach(lab *l, const standing *at) {
  while (lab_chat(l)->out_seq < at->sent) {
    if (lab_text(l, "ours") != SCHAT_OK) return 0;
  }
  l->lag = 1;
  l->p->in_raw = at->confirmed;
  while (lab_chat(l)->in_seq < at->received) {
    if (lab_say(l, "theirs") != SCHAT_OK) return 0;
  }
  const schat__chat *chat = lab_chat(l);
  return chat->out_seq == at->sent && chat->in_seq == at->received && chat->peer_in_seq == at->confirmed;
}

static stand *stand_new(const standing *at) {
  stand *s = checked(calloc(1, sizeof *s));
  s->l = lab_new(41, at->originator, NULL);
  s->at = *at;
  s->at.key = NULL;
  if (!reach(s->l, at)) {
    stand_free(s);
    return NULL;
  }
  s->image = world_image(s->l->w, 0);
  return s;
}

void stand_free(stand *s) {
  if (s == NULL) return;
  if (s->before != NULL) memstore_free(s->before);
  if (s->image != NULL) memstore_free(s->image);
  lab_free(s->l);
  free(s);
}

static int is_there(const stand *s, const standing *at) {
  return s->at.received == at->received && s->at.sent == at->sent && s->at.confirmed == at->confirmed;
}

/* What the chat was sealed with so far becomes what the case says. */
static void take_key(stand *s, const uint8_t *key) {
  schat__slot *slot = lab_slot(s->l);
  puppet_use_key(s->l->p, key);
  memcpy(slot->chat.key, key, sizeof slot->chat.key);
  slot->chat.key_fingerprint = s->l->p->key_fingerprint;
  for (size_t i = 0; i < schat__count(slot, SCHAT__OUTBOX); i++) {
    schat__item_at(slot, SCHAT__OUTBOX, i)->u.out.key_fingerprint = slot->chat.key_fingerprint;
  }
}

/* The lab reads what is sent under whatever keys it knows: the first of the chat's life, and the case's. */
static void know_key(lab *l, const uint8_t *key) {
  memcpy(l->keys[1], key, sizeof l->keys[1]);
  l->key_count = 2;
}

stand *stand_take(run *r, const standing *at) {
  stand **place = &r->stands[at->originator != 0];
  if (*place != NULL && !is_there(*place, at)) {
    stand_free(*place);
    *place = NULL;
  }
  if (*place == NULL) *place = stand_new(at);
  stand *s = *place;
  if (s == NULL) return NULL;
  if (!s->untouched) lab_rewind(s->l, s->image);
  know_key(s->l, at->key);
  take_key(s, at->key);
  schat__chat *chat = &lab_slot(s->l)->chat;
  chat->flags |= SCHAT__FLAG_SEEN_V2;
  if (!at->mtproto2_seen) chat->flags &= ~SCHAT__FLAG_SEEN_V2;
  lab_forget(s->l);
  return s;
}

int stand_feed(stand *s, schat_bytes message) {
  if (s->before != NULL) memstore_free(s->before);
  s->before = world_image(s->l->w, 0);
  s->chat = *lab_chat(s->l);
  s->untouched = 0;
  return lab_feed(s->l, message.data, message.size);
}

int stand_unchanged(stand *s) {
  s->untouched = memcmp(lab_chat(s->l), &s->chat, sizeof s->chat) == 0 && stage_same(s->before, s->l->w->peers[0].store);
  return s->untouched;
}
