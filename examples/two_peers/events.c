/* SPDX-License-Identifier: BSL-1.0
 * events.c - what the application does with an event: it writes its journal, and shows the person what happened. */
#include "two_peers.h"

#include <stdio.h>
#include <string.h>

static const char *const state_names[] = {"NONE", "REQUESTING", "WAITING_PEER", "INVITED", "ACCEPTING", "READY", "CLOSED"};

/* Messages ----------------------------------------------------------------------------------------------------------------- */

static void copy_bytes(uint8_t *out, size_t size, schat_bytes bytes) {
  if (bytes.size == size) memcpy(out, bytes.data, size);
}

/* Events are borrowed: what is needed later is copied. */
static void keep_attachment(attachment *a, const schat_event *event) {
  const schat_media *m = &event->message->media;
  memset(a, 0, sizeof *a);
  a->type = m->type;
  a->random_id = event->message->random_id;
  a->size = m->size;
  a->duration = m->duration;
  a->file = event->file;
  copy_bytes(a->key, sizeof a->key, m->key);
  copy_bytes(a->iv, sizeof a->iv, m->iv);
  if (m->file_name.size > 0 && m->file_name.size < sizeof a->name) memcpy(a->name, m->file_name.data, m->file_name.size);
  if (m->waveform.size == 0 || m->waveform.size > sizeof a->waveform) return;
  a->waveform_size = m->waveform.size;
  memcpy(a->waveform, m->waveform.data, m->waveform.size);
}

static void show_message(const peer *p, const schat_message *message, const char *text) {
  const schat_media *m = &message->media;
  char reply[32] = "", life[48] = "";
  if (message->reply_to_random_id != 0) snprintf(reply, sizeof reply, "(a reply) ");
  if (message->ttl != 0) snprintf(life, sizeof life, "   (lives %d s from reading)", (int)message->ttl);
  if (m->type == SCHAT_MEDIA_DOCUMENT) {
    screen_line(p->name, "<- a file: %.*s, %lld bytes, %.*s", (int)m->file_name.size, (const char *)m->file_name.data, (long long)m->size,
                (int)m->mime_type.size, (const char *)m->mime_type.data);
  } else if (m->type == SCHAT_MEDIA_VOICE) {
    screen_line(p->name, "<- a voice note of %d s:", (int)m->duration);
    screen_waveform(p->name, m->waveform);
  } else {
    screen_line(p->name, "<- %s\"%s\"%s", reply, text, life);
  }
}

static void on_message(peer *p, const schat_event *event) {
  uint8_t digest[DIGEST_SIZE];
  char text[8192];
  content_digest(event->message, digest);
  content_render(event->message, text, sizeof text);
  journal_receive(p->journal, event->message->random_id, digest, text);
  p->last_received = event->message->random_id;
  p->last_date = event->date;
  if (event->message->media.type == SCHAT_MEDIA_DOCUMENT || event->message->media.type == SCHAT_MEDIA_VOICE) {
    keep_attachment(&p->received, event);
  }
  show_message(p, event->message, text);
}

static void on_sent(peer *p, const schat_event *event) {
  journal_set_state(p->journal, event->random_id, JOURNAL_SENT);
  if (event->file.id != 0) p->uploaded.file = event->file;
}

/* Removes what is named, on whichever side it stands (R-TTL-06). */
static void on_removed(peer *p, const schat_event *event, const char *why) {
  journal_remove(p->journal, event->random_ids, event->random_id_count);
  screen_line(p->name, "removes %d message%s: %s", (int)event->random_id_count, event->random_id_count == 1 ? "" : "s", why);
}

/* Chats -------------------------------------------------------------------------------------------------------------------- */

/* SCHAT_EVENT_CHAT says that something in the info changed; what, the host finds by comparing. */
static void on_chat(peer *p, const schat_chat_info *info) {
  const schat_chat_info *old = &p->shown;
  if (p->chat_id == 0) p->chat_id = info->chat_id;
  if (info->state != old->state) screen_line(p->name, "chat is %s", state_names[info->state]);
  if (info->state == SCHAT_STATE_READY && (old->state != info->state || old->layer != info->layer || old->peer_layer != info->peer_layer)) {
    screen_line(p->name, "knows that %s reads layer %d, and writes layer %d", p->other, (int)info->peer_layer, (int)info->layer);
  }
  p->shown = *info;
}

static void on_closed(peer *p, const schat_event *event) {
  on_chat(p, event->info);
  screen_line(p->name, "the chat is over (%s)%s", event->reason == SCHAT_CLOSE_BY_US ? "ended here" : "ended by the peer",
              (event->info->flags & SCHAT_CHAT_HISTORY_DELETED) != 0 ? "; all its messages are to go" : "");
  if ((event->info->flags & SCHAT_CHAT_HISTORY_DELETED) != 0) journal_remove_all(p->journal);
}

static void show_gap(const peer *p, int32_t missing) {
  if (missing == 0) screen_line(p->name, "nothing is missing any more");
  if (missing == 1) screen_line(p->name, "one message is missing: asks for it");
  if (missing > 1) screen_line(p->name, "%d messages are missing: asks for them", (int)missing);
}

/* Everything else is a line of text, or a number. */
static void on_notice(peer *p, const schat_event *event) {
  switch (event->type) {
    case SCHAT_EVENT_SCREENSHOT:
      p->screenshots++;
      screen_line(p->name, "sees: \"%s took a screenshot\"", p->other);
      break;
    case SCHAT_EVENT_TTL:
      p->timer = event->value;
      screen_line(p->name, "sees: \"%s set the self-destruct timer to %d s\"", p->other, (int)event->value);
      break;
    case SCHAT_EVENT_TYPING:
      p->typing = event->value;
      if (event->value != 0) screen_line(p->name, "sees: \"%s is typing...\"", p->other);
      break;
    case SCHAT_EVENT_REKEYED:
      journal_bump(p->journal, "rekeyed");
      screen_line(p->name, "a new key is in use");
      break;
    case SCHAT_EVENT_GAP:
      journal_bump(p->journal, event->value != 0 ? "gaps opened" : "gaps closed");
      show_gap(p, event->value);
      break;
    case SCHAT_EVENT_REJECTED:
      journal_bump(p->journal, "rejected");
      screen_line(p->name, "an input was refused (reason %d)", (int)event->reason);
      break;
    default:
      journal_bump(p->journal, "other events");
      screen_line(p->name, "event %d (reason %d, value %d)", (int)event->type, (int)event->reason, (int)event->value);
      break;
  }
}

static void apply(peer *p, const schat_event *event) {
  switch (event->type) {
    case SCHAT_EVENT_MESSAGE:
      on_message(p, event);
      break;
    case SCHAT_EVENT_SENT:
      on_sent(p, event);
      break;
    case SCHAT_EVENT_SEND_FAILED:
      journal_set_state(p->journal, event->random_id, JOURNAL_FAILED);
      break;
    case SCHAT_EVENT_DELIVERED:
      journal_deliver(p->journal, event->random_id);
      break;
    case SCHAT_EVENT_DELETED:
      on_removed(p, event, "deleted for both sides");
      break;
    case SCHAT_EVENT_EXPIRED:
      on_removed(p, event, "the time is over");
      break;
    case SCHAT_EVENT_HISTORY_FLUSHED:
      journal_remove_all(p->journal);
      break;
    case SCHAT_EVENT_READ:
      p->read_date = event->date;
      screen_line(p->name, "sees: %s has read everything up to now (two ticks)", p->other);
      break;
    case SCHAT_EVENT_OPENED:
      screen_line(p->name, "sees: %s has opened it", p->other);
      break;
    case SCHAT_EVENT_CHAT:
    case SCHAT_EVENT_INVITED:
      on_chat(p, event->info);
      break;
    case SCHAT_EVENT_CLOSED:
      on_closed(p, event);
      break;
    default:
      on_notice(p, event);
      break;
  }
}

void peer_event(peer *p, const schat_event *event) {
  if (!journal_begin(p->journal, event->id)) {
    if (!event->repeated) fail("%s: event %llu came again and is not marked", p->name, (unsigned long long)event->id);
    p->repeated_events++;
    return;
  }
  apply(p, event);
  journal_commit(p->journal);
}
