/* SPDX-License-Identifier: BSL-1.0
 * foreign_dh.c - how a foreign client makes and ends a chat: configuration, g_a and g_b, the first key, NotifyLayer. */
#include <string.h>

#include "foreign_inner.h"

#define ANSWER_MS 15000

schat_bytes foreign_trimmed(const uint8_t value[256]) {
  schat_bytes b = {value, 256};
  while (b.size > 1 && *b.data == 0) {
    b.data++;
    b.size--;
  }
  return b;
}

static void draw_values(foreign *f, foreign_chat *c) {
  do {
    foreign_must(schat__dh_generate(f->crypto, f->p, f->g, NULL, 0, c->exponent, c->own) == SCHAT_OK);
  } while (f->short_values && c->own[0] != 0);
  c->drawn = 1;
}

static void ready(foreign *f, foreign_chat *c) {
  schat__action notify;
  c->state = CHAT_READY;
  c->key_since = f->now;
  foreign_log(f, c, FOREIGN_READY, "");
  memset(&notify, 0, sizeof notify);
  notify.type = SCHAT__ACTION_NOTIFY_LAYER;                                          /* L7 */
  notify.layer = f->traits->strict_layers && !c->originator ? 46 : f->traits->layer; /* L2 */
  foreign_send_action(f, c, &notify);
}

/* The first key from the peer's value; 0: the value is not lawful. */
static int make_key(foreign *f, foreign_chat *c, schat_bytes value) {
  uint8_t padded[256], key[256];
  if (schat__dh_check_public(f->crypto, f->p, c->own, value.data, value.size, padded) != 1) return 0;
  foreign_must(schat__dh_key(f->crypto, f->p, padded, c->exponent, key) == SCHAT_OK);
  c->current = foreign_add_key(f, c, key);
  if (f->traits->strict && c->strict == NULL) c->strict = strict_new(!c->originator); /* messages may come before the server's answer */
  return 1;
}

/* Requests ------------------------------------------------------------------------------------------------------------------ */

static void ask(foreign *f, foreign_chat *c, schat_request *q) {
  q->chat_id = c->chat_id;
  q->access_hash = c->access_hash;
  c->asked_type = q->type;
  c->ask_at = f->now + ANSWER_MS;
  c->token = foreign_ask_relay(f, q);
}

static void ask_config(foreign *f, foreign_chat *c) {
  schat_request q;
  SCHAT_INIT(q);
  q.type = SCHAT_REQUEST_GET_DH_CONFIG;
  q.version = f->config_version;
  q.random_length = 256;
  ask(f, c, &q);
}

static void ask_for_chat(foreign *f, foreign_chat *c) {
  schat_request q;
  SCHAT_INIT(q);
  q.type = SCHAT_REQUEST_REQUEST_ENCRYPTION;
  q.user_id = c->user_id;
  q.random_id = c->chat_id;
  q.data = foreign_trimmed(c->own);
  ask(f, c, &q);
}

static void ask_to_accept(foreign *f, foreign_chat *c) {
  schat_request q;
  SCHAT_INIT(q);
  q.type = SCHAT_REQUEST_ACCEPT_ENCRYPTION;
  q.data = foreign_trimmed(c->own);
  q.key_fingerprint = c->keys[c->current].fingerprint;
  ask(f, c, &q);
}

void foreign_chat_ask(foreign *f, foreign_chat *c) {
  schat_request q;
  if (c->state == CHAT_CREATING || c->state == CHAT_ACCEPTING) {
    if (!c->drawn) {
      ask_config(f, c);
    } else if (c->state == CHAT_CREATING) {
      ask_for_chat(f, c);
    } else {
      ask_to_accept(f, c);
    }
  } else if (c->state == CHAT_CLOSED && c->discard_due) {
    SCHAT_INIT(q);
    q.type = SCHAT_REQUEST_DISCARD_ENCRYPTION;
    ask(f, c, &q);
  }
}

/* Answers ------------------------------------------------------------------------------------------------------------------- */

static void take_config(foreign *f, foreign_chat *c, const schat_answer *a) {
  if (a->type == SCHAT_ANSWER_DH_CONFIG) {
    if (schat__dh_check_config(f->crypto, a->p.data, a->g) != 1) {
      foreign_close(f, c, "bad configuration");
      return;
    }
    memcpy(f->p, a->p.data, sizeof f->p);
    f->g = a->g;
    f->config_version = a->version;
  }
  draw_values(f, c);
  if (c->state == CHAT_ACCEPTING) {
    schat_bytes peer = {c->peer, c->peer_size};
    if (!make_key(f, c, peer)) {
      foreign_close(f, c, "bad g_a");
      return;
    }
  }
  foreign_chat_ask(f, c);
}

static void take_error(foreign *f, foreign_chat *c, const relay_item *item) {
  if (item->code != 400) {
    c->ask_at = f->now + 1000 + (item->code == 420 ? 3000 : 0);
    return;
  }
  if (c->asked_type == SCHAT_REQUEST_REQUEST_ENCRYPTION && strcmp(item->text, "RANDOM_ID_DUPLICATE") == 0) {
    c->chat_id = (int32_t)(foreign_draw(f) >> 33) + 1;
    c->ask_at = f->now;
  } else if (c->asked_type == SCHAT_REQUEST_ACCEPT_ENCRYPTION && strcmp(item->text, "ENCRYPTION_ALREADY_ACCEPTED") == 0) {
    ready(f, c); /* by an earlier try of ours: nobody else has this user's device here */
  } else if (c->asked_type == SCHAT_REQUEST_DISCARD_ENCRYPTION) {
    c->discard_due = 0;
  } else {
    foreign_end(f, c, item->text, 0);
  }
}

void foreign_chat_answer(foreign *f, foreign_chat *c, const relay_item *item) {
  int32_t asked = c->asked_type;
  c->token = 0;
  c->ask_at = f->now;
  if (item->kind == RELAY_ERROR) {
    take_error(f, c, item);
  } else if (asked == SCHAT_REQUEST_GET_DH_CONFIG) {
    take_config(f, c, &item->answer);
  } else if (asked == SCHAT_REQUEST_REQUEST_ENCRYPTION && c->state == CHAT_CREATING) {
    c->access_hash = item->answer.chat.access_hash;
    c->state = CHAT_WAITING;
    foreign_log(f, c, FOREIGN_ASKED, "");
  } else if (asked == SCHAT_REQUEST_ACCEPT_ENCRYPTION && c->state == CHAT_ACCEPTING) {
    ready(f, c);
  } else if (asked == SCHAT_REQUEST_DISCARD_ENCRYPTION) {
    c->discard_due = 0;
  }
}

/* Updates ------------------------------------------------------------------------------------------------------------------- */

static void invited(foreign *f, const schat_chat_update *u) {
  foreign_chat *c;
  if (foreign_find(f, u->chat_id) != NULL || u->g_a.size > sizeof c->peer) return;
  c = foreign_chat_new(f, u->chat_id, 0);
  c->state = CHAT_INVITED;
  c->access_hash = u->access_hash;
  c->user_id = u->admin_id;
  c->peer_size = u->g_a.size;
  memcpy(c->peer, u->g_a.data, u->g_a.size);
  foreign_log(f, c, FOREIGN_INVITED, "");
}

/* The peer has accepted: R-DH-13. */
static void accepted(foreign *f, foreign_chat *c, const schat_chat_update *u) {
  if (!c->originator || (c->state != CHAT_WAITING && c->state != CHAT_CREATING)) return;
  c->access_hash = u->access_hash;
  c->token = 0;
  if (!make_key(f, c, u->g_a)) {
    foreign_close(f, c, "bad g_b");
  } else if (c->keys[c->current].fingerprint != u->key_fingerprint) {
    foreign_close(f, c, "key fingerprint");
  } else {
    if (c->state == CHAT_CREATING) foreign_log(f, c, FOREIGN_ASKED, "");
    ready(f, c);
  }
}

void foreign_chat_update(foreign *f, const schat_chat_update *u) {
  foreign_chat *c = foreign_find(f, u->chat_id);
  if (u->type == SCHAT_CHAT_UPDATE_REQUESTED) {
    invited(f, u);
  } else if (c != NULL && u->type == SCHAT_CHAT_UPDATE_CHAT) {
    accepted(f, c, u);
  } else if (c != NULL && u->type == SCHAT_CHAT_UPDATE_DISCARDED) {
    foreign_end(f, c, "discarded", 0);
  }
}

/* Orders -------------------------------------------------------------------------------------------------------------------- */

int foreign_create(foreign *f, int64_t user_id, int64_t now) {
  foreign_chat *c = foreign_chat_new(f, (int32_t)(foreign_draw(f) >> 33) + 1, 1);
  if (now > f->now) f->now = now;
  c->user_id = user_id;
  foreign_chat_ask(f, c);
  return 0;
}

int foreign_accept(foreign *f, int32_t chat_id, int64_t now) {
  foreign_chat *c = foreign_find(f, chat_id);
  if (now > f->now) f->now = now;
  if (c == NULL || c->state != CHAT_INVITED) return -1;
  c->state = CHAT_ACCEPTING;
  foreign_chat_ask(f, c);
  return 0;
}

int foreign_discard(foreign *f, int32_t chat_id, int64_t now) {
  foreign_chat *c = foreign_find(f, chat_id);
  if (now > f->now) f->now = now;
  if (c == NULL || c->state == CHAT_CLOSED) return -1;
  foreign_close(f, c, "ordered");
  return 0;
}
