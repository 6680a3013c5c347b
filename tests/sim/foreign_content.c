/* SPDX-License-Identifier: BSL-1.0
 * foreign_content.c - what a message means to a foreign client once its turn has come. */
#include <stdio.h>
#include <string.h>

#include "foreign_inner.h"

static void each_id(foreign *f, const foreign_chat *c, foreign_event_type type, const schat__action *action) {
  size_t i;
  for (i = 0; i < action->random_id_count; i++) foreign_log(f, c, type, "")->random_id = action->random_ids[i];
}

/* L7: Android tells its own layer in answer to a new one. */
static void peer_tells_layer(foreign *f, foreign_chat *c, int32_t layer) {
  int rises = layer > c->peer_layer;
  schat__action action;
  foreign_log(f, c, FOREIGN_LAYER, "")->value = layer;
  if (!rises) return;
  c->peer_layer = layer;
  if (!f->traits->answers_layer || layer >= f->traits->layer) return;
  memset(&action, 0, sizeof action);
  action.type = SCHAT__ACTION_NOTIFY_LAYER;
  action.layer = f->traits->layer;
  foreign_send_action(f, c, &action);
}

static void act(foreign *f, foreign_chat *c, const holder *h, const schat__action *action) {
  switch (action->type) {
    case SCHAT__ACTION_SET_TTL:
      foreign_log(f, c, FOREIGN_TTL, "")->value = action->ttl;
      break;
    case SCHAT__ACTION_READ:
      each_id(f, c, FOREIGN_OPENED, action);
      break;
    case SCHAT__ACTION_DELETE:
      each_id(f, c, FOREIGN_DELETED, action);
      break;
    case SCHAT__ACTION_FLUSH:
      foreign_log(f, c, FOREIGN_FLUSHED, "");
      break;
    case SCHAT__ACTION_RESEND:
      if (!h->resent) (void)foreign_resend(f, c, action->start, action->end);
      break;
    case SCHAT__ACTION_NOTIFY_LAYER:
      peer_tells_layer(f, c, action->layer);
      break;
    case SCHAT__ACTION_REQUEST_KEY:
    case SCHAT__ACTION_ACCEPT_KEY:
    case SCHAT__ACTION_ABORT_KEY:
    case SCHAT__ACTION_COMMIT_KEY:
      foreign_key_action(f, c, action);
      break;
    case SCHAT__ACTION_NONE:
    case SCHAT__ACTION_SCREENSHOT:
    case SCHAT__ACTION_TYPING:
    case SCHAT__ACTION_NOOP:
      break;
  }
}

static void show(foreign *f, const foreign_chat *c, const holder *h, const schat_message *message) {
  foreign_event *e = foreign_log(f, c, FOREIGN_TEXT, "");
  e->random_id = message->random_id;
  e->out = h->raw;
  e->value = message->ttl;
  (void)snprintf(e->text, sizeof e->text, "%.*s", (int)message->text.size, (const char *)message->text.data);
}

void foreign_content(foreign *f, foreign_chat *c, const holder *h, schat_bytes bytes) {
  schat_message message;
  schat__action action;
  SCHAT_INIT(message);
  memset(&action, 0, sizeof action);
  if (schat__message_decode(&f->arena, bytes, &message, &action) != SCHAT_OK) { /* L9 */
    foreign_log(f, c, FOREIGN_DROPPED, "unknown constructor");
    if (f->traits->strict) foreign_close(f, c, "unknown constructor");
    return;
  }
  if (action.type != SCHAT__ACTION_NONE) {
    act(f, c, h, &action);
  } else {
    show(f, c, h, &message);
  }
}
