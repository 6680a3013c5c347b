/* SPDX-License-Identifier: BSL-1.0
 * relay.c - the simulated server: everything it holds, and what each request does to it. */
#include "relay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUEUE_AGE_MS (INT64_C(7) * 86400 * 1000) /* R-Q-02: older messages leave the queue */
#define DATA_MAX 1048576u
#define PUBLIC_MAX 257u /* bytes of g_a and g_b */
#define RESULTS 1024u   /* outcomes that are remembered for chained requests */

/* Something that happens at a time: the first member of what stands in a schedule. */
typedef struct {
  int64_t at;
} due;

/* Sorted by time; equal times stay in the order of their coming. */
typedef struct {
  due **items;
  size_t count, capacity;
} schedule;

typedef struct {
  due due;
  uint64_t epoch;
  schat_request request;
  uint8_t *data;
} query;

typedef struct {
  due due;
  relay_item item;
  void *block; /* what the item's bytes point into */
} packet;

typedef struct {
  int32_t qts;
  int from;
  int64_t queued_at;
  schat_encrypted_message message;
  uint8_t *bytes;
} entry;

typedef struct {
  schat_chat_update update;
  int32_t date;
  uint8_t *g;
} note;

typedef struct {
  uint64_t epoch, token;
  int done;
} result;

typedef struct {
  int32_t type, code;
  char text[64];
} failure;

typedef struct {
  int64_t user_id;
  int connected, gone;
  uint64_t epoch; /* grows with every disconnection */
  int32_t qts;
  schedule requests, waiting, inbox; /* waiting: for the request they are chained to */
  int64_t last_request, last_item;   /* times that later ones do not undercut */
  packet *current, *difference;      /* lent to the caller */
  entry *queue;
  size_t queue_count, queue_capacity;
  note *notes;
  size_t note_count, note_capacity;
  failure *failures;
  size_t failure_count, failure_capacity;
  result results[RESULTS];
  size_t result_count;
} device;

typedef enum { CHAT_REQUESTED, CHAT_OPEN, CHAT_DISCARDED } chat_state;

typedef struct {
  int32_t id, date;
  chat_state state;
  int history_deleted;
  int64_t user[2]; /* 0: who started it, 1: the other one */
  int device[2];   /* device[1] is -1 until it is accepted */
  int64_t hash[2];
  uint8_t g[2][PUBLIC_MAX];
  size_t g_size[2];
  int64_t key_fingerprint;
} chat;

typedef struct {
  int64_t user_id, upload_id;
  int32_t part;
  uint8_t *data;
  size_t size;
} file_part;

typedef struct {
  schat_encrypted_file file;
  uint8_t *data;
} stored_file;

struct relay {
  uint64_t random;
  int64_t now;
  relay_faults faults;
  relay_tap_fn tap;
  void *tap_data;
  int32_t g, version;
  uint8_t p[256];
  size_t user_count;
  device **devices;
  size_t device_count, device_capacity;
  chat *chats;
  size_t chat_count, chat_capacity;
  file_part *parts;
  size_t part_count, part_capacity;
  stored_file *files;
  size_t file_count, file_capacity;
};

/* Telegram's prime. */
static const uint8_t prime[256] = {
    0xc7, 0x1c, 0xae, 0xb9, 0xc6, 0xb1, 0xc9, 0x04, 0x8e, 0x6c, 0x52, 0x2f, 0x70, 0xf1, 0x3f, 0x73, 0x98, 0x0d, 0x40, 0x23, 0x8e, 0x3e,
    0x21, 0xc1, 0x49, 0x34, 0xd0, 0x37, 0x56, 0x3d, 0x93, 0x0f, 0x48, 0x19, 0x8a, 0x0a, 0xa7, 0xc1, 0x40, 0x58, 0x22, 0x94, 0x93, 0xd2,
    0x25, 0x30, 0xf4, 0xdb, 0xfa, 0x33, 0x6f, 0x6e, 0x0a, 0xc9, 0x25, 0x13, 0x95, 0x43, 0xae, 0xd4, 0x4c, 0xce, 0x7c, 0x37, 0x20, 0xfd,
    0x51, 0xf6, 0x94, 0x58, 0x70, 0x5a, 0xc6, 0x8c, 0xd4, 0xfe, 0x6b, 0x6b, 0x13, 0xab, 0xdc, 0x97, 0x46, 0x51, 0x29, 0x69, 0x32, 0x84,
    0x54, 0xf1, 0x8f, 0xaf, 0x8c, 0x59, 0x5f, 0x64, 0x24, 0x77, 0xfe, 0x96, 0xbb, 0x2a, 0x94, 0x1d, 0x5b, 0xcd, 0x1d, 0x4a, 0xc8, 0xcc,
    0x49, 0x88, 0x07, 0x08, 0xfa, 0x9b, 0x37, 0x8e, 0x3c, 0x4f, 0x3a, 0x90, 0x60, 0xbe, 0xe6, 0x7c, 0xf9, 0xa4, 0xa4, 0xa6, 0x95, 0x81,
    0x10, 0x51, 0x90, 0x7e, 0x16, 0x27, 0x53, 0xb5, 0x6b, 0x0f, 0x6b, 0x41, 0x0d, 0xba, 0x74, 0xd8, 0xa8, 0x4b, 0x2a, 0x14, 0xb3, 0x14,
    0x4e, 0x0e, 0xf1, 0x28, 0x47, 0x54, 0xfd, 0x17, 0xed, 0x95, 0x0d, 0x59, 0x65, 0xb4, 0xb9, 0xdd, 0x46, 0x58, 0x2d, 0xb1, 0x17, 0x8d,
    0x16, 0x9c, 0x6b, 0xc4, 0x65, 0xb0, 0xd6, 0xff, 0x9c, 0xa3, 0x92, 0x8f, 0xef, 0x5b, 0x9a, 0xe4, 0xe4, 0x18, 0xfc, 0x15, 0xe8, 0x3e,
    0xbe, 0xa0, 0xf8, 0x7f, 0xa9, 0xff, 0x5e, 0xed, 0x70, 0x05, 0x0d, 0xed, 0x28, 0x49, 0xf4, 0x7b, 0xf9, 0x59, 0xd9, 0x56, 0x85, 0x0c,
    0xe9, 0x29, 0x85, 0x1f, 0x0d, 0x81, 0x15, 0xf6, 0x35, 0xb1, 0x05, 0xee, 0x2e, 0x4e, 0x15, 0xd0, 0x4b, 0x24, 0x54, 0xbf, 0x6f, 0x4f,
    0xad, 0xf0, 0x34, 0xb1, 0x04, 0x03, 0x11, 0x9c, 0xd8, 0xe3, 0xb9, 0x2f, 0xcc, 0x5b};

/* Memory, chance, time ----------------------------------------------------------------------------------------------------- */

static void *take(size_t size) {
  void *p = calloc(1, size != 0 ? size : 1);
  if (p == NULL) abort();
  return p;
}

/* Room for one more item in an array. */
static void *grown(void *items, size_t count, size_t *capacity, size_t item_size) {
  void *p = items;
  if (count < *capacity) return p;
  *capacity = *capacity == 0 ? 8 : *capacity * 2;
  p = realloc(items, *capacity * item_size);
  if (p == NULL) abort();
  return p;
}

static uint8_t *copied(schat_bytes bytes) {
  uint8_t *p = take(bytes.size);
  if (bytes.size != 0) memcpy(p, bytes.data, bytes.size);
  return p;
}

/* splitmix64 */
static uint64_t draw(relay *r) {
  uint64_t z = r->random += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
  return z ^ z >> 31;
}

static uint64_t draw_below(relay *r, uint64_t bound) {
  return draw(r) % bound;
}

static int64_t draw_hash(relay *r) {
  return (int64_t)(draw(r) >> 1) + 1;
}

static int happens(relay *r, double probability) {
  if (probability <= 0) return 0;
  return (double)(draw(r) >> 11) * (1.0 / 9007199254740992.0) < probability;
}

static int64_t delay(relay *r) {
  if (r->faults.delay_ms_max <= 0) return 0;
  return (int64_t)draw_below(r, (uint64_t)r->faults.delay_ms_max + 1);
}

int32_t relay_date(int64_t now) {
  return (int32_t)(now / 1000);
}

static int32_t date_of(const relay *r) {
  return relay_date(r->now);
}

static void advance(relay *r, int64_t now) {
  if (now > r->now) r->now = now;
}

static void insert(schedule *s, size_t place, due *d) {
  s->items = grown(s->items, s->count, &s->capacity, sizeof *s->items);
  memmove(s->items + place + 1, s->items + place, (s->count - place) * sizeof *s->items);
  s->items[place] = d;
  s->count++;
}

static due *removed(schedule *s, size_t place) {
  due *d = s->items[place];
  s->count--;
  memmove(s->items + place, s->items + place + 1, (s->count - place) * sizeof *s->items);
  return d;
}

/* Puts something in after a while: behind all that came before it, unless it overtakes up to four of them. */
static void schedule_in(relay *r, schedule *s, int64_t *last, due *d) {
  size_t place = s->count, ahead;
  d->at = r->now + delay(r);
  if (happens(r, r->faults.reorder)) {
    ahead = 1 + (size_t)draw_below(r, 4);
    place = place > ahead ? place - ahead : 0;
    if (place < s->count) d->at = s->items[place]->at;
  }
  if (place == s->count) {
    if (d->at < *last) d->at = *last;
    *last = d->at;
  }
  insert(s, place, d);
}

/* Devices and users -------------------------------------------------------------------------------------------------------- */

static device *device_at(const relay *r, int index) {
  return index >= 0 && (size_t)index < r->device_count ? r->devices[index] : NULL;
}

static int64_t user_id_of(size_t index) {
  return INT64_C(5000000000) + (int64_t)index * 7919;
}

static int is_user(const relay *r, int64_t user_id) {
  int64_t offset = user_id - user_id_of(0);
  return user_id >= user_id_of(0) && offset % 7919 == 0 && (uint64_t)(offset / 7919) < r->user_count;
}

int64_t relay_add_user(relay *r) {
  return user_id_of(r->user_count++);
}

int relay_add_device(relay *r, int64_t user_id) {
  device *d;
  if (!is_user(r, user_id)) return -1;
  d = take(sizeof *d);
  d->user_id = user_id;
  d->connected = 1;
  r->devices = grown(r->devices, r->device_count, &r->device_capacity, sizeof *r->devices);
  r->devices[r->device_count] = d;
  return (int)r->device_count++;
}

static void free_packet(packet *p) {
  if (p == NULL) return;
  free(p->block);
  free(p);
}

static void free_query(query *q) {
  free(q->data);
  free(q);
}

static void free_queries(schedule *s) {
  while (s->count != 0) free_query((query *)removed(s, s->count - 1));
  free(s->items);
}

static void empty_inbox(device *d) {
  while (d->inbox.count != 0) free_packet((packet *)removed(&d->inbox, d->inbox.count - 1));
  free_packet(d->current);
  d->current = NULL;
}

static void empty_queue(device *d) {
  while (d->queue_count != 0) free(d->queue[--d->queue_count].bytes);
}

static void free_device(device *d) {
  empty_inbox(d);
  empty_queue(d);
  free_queries(&d->requests);
  free_queries(&d->waiting);
  free_packet(d->difference);
  while (d->note_count != 0) free(d->notes[--d->note_count].g);
  free(d->inbox.items);
  free(d->queue);
  free(d->notes);
  free(d->failures);
  free(d);
}

relay *relay_new(uint64_t seed) {
  relay *r = take(sizeof *r);
  r->random = seed;
  r->g = 3;
  r->version = 7;
  memcpy(r->p, prime, sizeof r->p);
  return r;
}

void relay_free(relay *r) {
  size_t i;
  if (r == NULL) return;
  for (i = 0; i < r->device_count; i++) free_device(r->devices[i]);
  for (i = 0; i < r->part_count; i++) free(r->parts[i].data);
  for (i = 0; i < r->file_count; i++) free(r->files[i].data);
  free(r->devices);
  free(r->chats);
  free(r->parts);
  free(r->files);
  free(r);
}

void relay_set_faults(relay *r, const relay_faults *faults) {
  r->faults = *faults;
}

void relay_fail_next(relay *r, int device_index, int32_t request_type, int32_t code, const char *text) {
  device *d = device_at(r, device_index);
  failure *f;
  if (d == NULL) return;
  d->failures = grown(d->failures, d->failure_count, &d->failure_capacity, sizeof *d->failures);
  f = &d->failures[d->failure_count++];
  f->type = request_type;
  f->code = code;
  (void)snprintf(f->text, sizeof f->text, "%s", text);
}

void relay_set_dh_config(relay *r, int32_t g, const uint8_t p[256], int32_t version) {
  r->g = g;
  r->version = version;
  memcpy(r->p, p, sizeof r->p);
}

void relay_tap(relay *r, relay_tap_fn tap, void *user_data) {
  r->tap = tap;
  r->tap_data = user_data;
}

/* Deliveries --------------------------------------------------------------------------------------------------------------- */

static packet *new_packet(int kind) {
  packet *p = take(sizeof *p);
  p->item.kind = kind;
  SCHAT_INIT(p->item.answer);
  SCHAT_INIT(p->item.answer.chat);
  SCHAT_INIT(p->item.difference);
  SCHAT_INIT(p->item.message);
  SCHAT_INIT(p->item.chat);
  return p;
}

/* A packet keeps the bytes of one field. */
static void keep(packet *p, schat_bytes *field, schat_bytes bytes) {
  p->block = copied(bytes);
  field->data = p->block;
  field->size = bytes.size;
}

static void deliver(relay *r, device *d, packet *p) {
  schedule_in(r, &d->inbox, &d->last_item, &p->due);
}

/* How often a push comes: never, once or twice. */
static int copies(relay *r, const device *d) {
  if (!d->connected || d->gone || happens(r, r->faults.drop_update)) return 0;
  return happens(r, r->faults.duplicate) ? 2 : 1;
}

static void push_message(relay *r, device *d, const entry *e) {
  int n = copies(r, d);
  packet *p;
  for (; n > 0; n--) {
    p = new_packet(RELAY_MESSAGE);
    p->item.message = e->message;
    p->item.qts = e->qts;
    p->item.chat_id = e->message.chat_id;
    keep(p, &p->item.message.bytes, e->message.bytes);
    deliver(r, d, p);
  }
}

static void push_chat(relay *r, device *d, const note *n) {
  int left = copies(r, d);
  packet *p;
  for (; left > 0; left--) {
    p = new_packet(RELAY_CHAT);
    p->item.chat = n->update;
    p->item.chat_id = n->update.chat_id;
    p->item.date = n->date;
    keep(p, &p->item.chat.g_a, n->update.g_a);
    deliver(r, d, p);
  }
}

static void push_plain(relay *r, device *d, int kind, int32_t chat_id, int32_t max_date) {
  int n = copies(r, d);
  packet *p;
  for (; n > 0; n--) {
    p = new_packet(kind);
    p->item.chat_id = chat_id;
    p->item.max_date = max_date;
    p->item.date = kind == RELAY_READ ? date_of(r) : 0;
    deliver(r, d, p);
  }
}

/* updateEncryption: pushed, and kept for getDifference. */
static void tell_chat(relay *r, device *d, const schat_chat_update *update) {
  note *n;
  if (d == NULL || d->gone) return;
  d->notes = grown(d->notes, d->note_count, &d->note_capacity, sizeof *d->notes);
  n = &d->notes[d->note_count++];
  n->update = *update;
  n->date = date_of(r);
  n->g = copied(update->g_a);
  n->update.g_a.data = n->g;
  push_chat(r, d, n);
}

/* Messages that wait too long leave the queue. */
static void expire(relay *r, device *d) {
  size_t n = 0, i;
  while (n < d->queue_count && r->now - d->queue[n].queued_at > QUEUE_AGE_MS) free(d->queue[n++].bytes);
  for (i = n; n != 0 && i < d->queue_count; i++) d->queue[i - n] = d->queue[i];
  d->queue_count -= n;
}

/* The next qts is used up even when the message is lost for good. */
static int32_t enqueue(relay *r, device *d, int from, const schat_encrypted_message *message, int lost) {
  entry *e;
  d->qts++;
  if (lost) return d->qts;
  d->queue = grown(d->queue, d->queue_count, &d->queue_capacity, sizeof *d->queue);
  e = &d->queue[d->queue_count++];
  e->qts = d->qts;
  e->from = from;
  e->queued_at = r->now;
  e->message = *message;
  e->bytes = copied(message->bytes);
  e->message.bytes.data = e->bytes;
  push_message(r, d, e);
  return d->qts;
}

/* Requests: what they do --------------------------------------------------------------------------------------------------- */

static void fail(packet *a, int32_t code, const char *text) {
  a->item.kind = RELAY_ERROR;
  a->item.code = code;
  (void)snprintf(a->item.text, sizeof a->item.text, "%s", text);
}

static void fill(relay *r, uint8_t *out, size_t size) {
  size_t i;
  for (i = 0; i < size; i++) out[i] = (uint8_t)draw(r);
}

static void do_dh_config(relay *r, const schat_request *q, packet *a) {
  schat_answer *answer = &a->item.answer;
  uint8_t *block = take(512);
  memcpy(block, r->p, 256);
  fill(r, block + 256, 256);
  a->block = block;
  answer->random.data = block + 256;
  answer->random.size = 256;
  answer->type = SCHAT_ANSWER_DH_NOT_MODIFIED;
  if (q->version == r->version) return;
  answer->type = SCHAT_ANSWER_DH_CONFIG;
  answer->g = r->g;
  answer->version = r->version;
  answer->p.data = block;
  answer->p.size = 256;
}

static chat *find_chat(relay *r, int64_t id) {
  size_t i;
  for (i = 0; i < r->chat_count; i++) {
    if (r->chats[i].id == id) return &r->chats[i];
  }
  return NULL;
}

/* A chat as one of its sides sees it; g_a borrows from the chat. */
static schat_chat_update view(const chat *c, int side) {
  schat_chat_update u;
  int other = c->state == CHAT_OPEN ? 1 - side : 0;
  SCHAT_INIT(u);
  u.chat_id = c->id;
  if (c->state == CHAT_DISCARDED) {
    u.type = SCHAT_CHAT_UPDATE_DISCARDED;
    u.history_deleted = c->history_deleted;
    return u;
  }
  u.type = c->state == CHAT_OPEN ? SCHAT_CHAT_UPDATE_CHAT : side == 0 ? SCHAT_CHAT_UPDATE_WAITING : SCHAT_CHAT_UPDATE_REQUESTED;
  u.access_hash = c->hash[side];
  u.date = c->date;
  u.admin_id = c->user[0];
  u.participant_id = c->user[1];
  u.key_fingerprint = c->key_fingerprint;
  if (u.type == SCHAT_CHAT_UPDATE_WAITING) return u;
  u.g_a.data = c->g[other];
  u.g_a.size = c->g_size[other];
  return u;
}

static void answer_chat(packet *a, const chat *c, int side) {
  a->item.answer.type = SCHAT_ANSWER_CHAT;
  a->item.answer.chat = view(c, side);
  keep(a, &a->item.answer.chat.g_a, a->item.answer.chat.g_a);
}

/* To every device of the invited user but one. */
static void tell_invited(relay *r, const chat *c, int except, const schat_chat_update *update) {
  size_t i;
  for (i = 0; i < r->device_count; i++) {
    if (r->devices[i]->user_id == c->user[1] && (int)i != except) tell_chat(r, r->devices[i], update);
  }
}

static int is_public(schat_bytes g) {
  return g.data != NULL && g.size != 0 && g.size <= PUBLIC_MAX;
}

static void set_public(chat *c, int side, schat_bytes g) {
  memcpy(c->g[side], g.data, g.size);
  c->g_size[side] = g.size;
}

static void do_request(relay *r, int index, const schat_request *q, packet *a) {
  chat *c;
  schat_chat_update seen;
  if (!is_user(r, q->user_id) || q->user_id == r->devices[index]->user_id) {
    fail(a, 400, "USER_ID_INVALID");
  } else if (!is_public(q->data)) {
    fail(a, 400, "DH_G_A_INVALID");
  } else if (q->random_id == 0 || q->random_id < INT32_MIN || q->random_id > INT32_MAX || find_chat(r, q->random_id) != NULL) {
    fail(a, 400, "RANDOM_ID_DUPLICATE");
  } else {
    r->chats = grown(r->chats, r->chat_count, &r->chat_capacity, sizeof *r->chats);
    c = &r->chats[r->chat_count++];
    memset(c, 0, sizeof *c);
    c->id = (int32_t)q->random_id;
    c->date = date_of(r);
    c->user[0] = r->devices[index]->user_id;
    c->user[1] = q->user_id;
    c->device[0] = index;
    c->device[1] = -1;
    c->hash[0] = draw_hash(r);
    c->hash[1] = draw_hash(r);
    set_public(c, 0, q->data);
    answer_chat(a, c, 0);
    seen = view(c, 1);
    tell_invited(r, c, -1, &seen);
  }
}

static void do_accept(relay *r, int index, const schat_request *q, packet *a) {
  chat *c = find_chat(r, q->chat_id);
  schat_chat_update seen;
  if (c == NULL || c->user[1] != r->devices[index]->user_id || c->hash[1] != q->access_hash) {
    fail(a, 400, "CHAT_ID_INVALID");
  } else if (c->state != CHAT_REQUESTED) {
    fail(a, 400, c->state == CHAT_OPEN ? "ENCRYPTION_ALREADY_ACCEPTED" : "ENCRYPTION_ALREADY_DECLINED");
  } else if (!is_public(q->data)) {
    fail(a, 400, "DH_G_A_INVALID");
  } else {
    SCHAT_INIT(seen);
    seen.type = SCHAT_CHAT_UPDATE_DISCARDED;
    seen.chat_id = c->id;
    tell_invited(r, c, index, &seen);
    c->state = CHAT_OPEN;
    c->device[1] = index;
    c->key_fingerprint = q->key_fingerprint;
    set_public(c, 1, q->data);
    answer_chat(a, c, 1);
    seen = view(c, 0);
    tell_chat(r, device_at(r, c->device[0]), &seen);
  }
}

/* Ends a chat and tells all who know of it but the device that has ended it. */
static void close_chat(relay *r, chat *c, int by, int history_deleted) {
  schat_chat_update seen;
  int accepted = c->state == CHAT_OPEN;
  c->state = CHAT_DISCARDED;
  c->history_deleted = history_deleted;
  seen = view(c, 0);
  if (c->device[0] != by) tell_chat(r, device_at(r, c->device[0]), &seen);
  if (!accepted) {
    tell_invited(r, c, by, &seen);
  } else if (c->device[1] != by) {
    tell_chat(r, device_at(r, c->device[1]), &seen);
  }
}

static void do_discard(relay *r, int index, const schat_request *q, packet *a) {
  chat *c = find_chat(r, q->chat_id);
  int invited = c != NULL && c->user[1] == r->devices[index]->user_id;
  if (c == NULL || (c->device[0] != index && !invited)) {
    fail(a, 400, "ENCRYPTION_ID_INVALID");
  } else if (c->state == CHAT_DISCARDED) {
    fail(a, 400, "ENCRYPTION_ALREADY_DECLINED");
  } else if (c->state == CHAT_OPEN && invited && c->device[1] != index) {
    fail(a, 400, "ENCRYPTION_ALREADY_ACCEPTED");
  } else {
    close_chat(r, c, index, q->delete_history != 0);
    a->item.answer.type = SCHAT_ANSWER_DONE;
  }
}

/* The open chat that a request names, and the other side's device; NULL and an error in the answer. */
static chat *open_chat(relay *r, int index, const schat_request *q, packet *a, device **other) {
  chat *c = find_chat(r, q->chat_id);
  int side = c != NULL && c->device[1] == index;
  if (c == NULL || (c->device[0] != index && c->device[1] != index)) {
    fail(a, 400, c == NULL ? "CHAT_ID_INVALID" : "ENCRYPTION_ID_INVALID");
  } else if (c->hash[side] != q->access_hash) {
    fail(a, 400, "CHAT_ID_INVALID");
  } else if (c->state != CHAT_OPEN) {
    fail(a, 400, c->state == CHAT_DISCARDED ? "ENCRYPTION_DECLINED" : "ENCRYPTION_ID_INVALID");
  } else {
    *other = r->devices[c->device[1 - side]];
    return c;
  }
  return NULL;
}

static file_part *find_part(const relay *r, int64_t user_id, int64_t upload_id, int32_t part) {
  size_t i;
  for (i = 0; i < r->part_count; i++) {
    file_part *p = &r->parts[i];
    if (p->user_id == user_id && p->upload_id == upload_id && p->part == part) return p;
  }
  return NULL;
}

static stored_file *find_file(const relay *r, int64_t id, int64_t access_hash) {
  size_t i;
  for (i = 0; i < r->file_count; i++) {
    if (r->files[i].file.id == id && r->files[i].file.access_hash == access_hash) return &r->files[i];
  }
  return NULL;
}

/* Size of an upload whose parts are all there, or -1 and an error. */
static int64_t upload_size(const relay *r, int64_t user_id, const schat_input_file *in, packet *a) {
  char text[64];
  int64_t size = 0;
  int32_t i;
  for (i = 0; i < in->parts; i++) {
    const file_part *p = find_part(r, user_id, in->id, i);
    if (p == NULL) {
      (void)snprintf(text, sizeof text, "FILE_PART_%d_MISSING", (int)i);
      fail(a, 400, text);
      return -1;
    }
    size += (int64_t)p->size;
  }
  return size;
}

/* Joins the parts of an upload: 1, or 0 and an error. */
static int join(relay *r, int64_t user_id, const schat_input_file *in, schat_encrypted_file *file, packet *a) {
  int64_t size = upload_size(r, user_id, in, a);
  stored_file *s;
  size_t at = 0;
  int32_t i;
  if (size < 0) return 0;
  r->files = grown(r->files, r->file_count, &r->file_capacity, sizeof *r->files);
  s = &r->files[r->file_count++];
  s->data = take((size_t)size);
  for (i = 0; i < in->parts; i++) {
    const file_part *p = find_part(r, user_id, in->id, i);
    memcpy(s->data + at, p->data, p->size);
    at += p->size;
  }
  s->file.id = draw_hash(r);
  s->file.access_hash = draw_hash(r);
  s->file.size = size;
  s->file.dc_id = 2;
  s->file.key_fingerprint = in->key_fingerprint;
  *file = s->file;
  return 1;
}

static int take_file(relay *r, int64_t user_id, const schat_input_file *in, schat_encrypted_file *file, packet *a) {
  const stored_file *s;
  if (in->type == SCHAT_INPUT_FILE_EXISTING) {
    s = find_file(r, in->id, in->access_hash);
    if (s != NULL) *file = s->file;
    if (s == NULL) fail(a, 400, "FILE_EMTPY");
    return s != NULL;
  }
  if (in->type == SCHAT_INPUT_FILE_NONE || in->parts <= 0) {
    fail(a, 400, in->type == SCHAT_INPUT_FILE_NONE ? "FILE_EMTPY" : "FILE_PARTS_INVALID");
    return 0;
  }
  return join(r, user_id, in, file, a);
}

static const entry *find_queued(const device *d, int from, int32_t chat_id, int64_t random_id) {
  size_t i;
  for (i = d->queue_count; i-- > 0;) {
    const entry *e = &d->queue[i];
    if (e->from == from && e->message.chat_id == chat_id && e->message.random_id == random_id) return e;
  }
  return NULL;
}

static void answer_sent(packet *a, const schat_request *q, int32_t date, const schat_encrypted_file *file) {
  a->item.answer.type = q->type == SCHAT_REQUEST_SEND_ENCRYPTED_FILE ? SCHAT_ANSWER_SENT_FILE : SCHAT_ANSWER_SENT;
  a->item.answer.date = date;
  a->item.answer.file = *file;
}

static void show(relay *r, int index, int to, const schat_request *q, int32_t date, int repeated) {
  relay_sent sent = {0};
  if (r->tap == NULL) return;
  sent.device = index;
  sent.to = to;
  sent.chat_id = q->chat_id;
  sent.request_type = q->type;
  sent.random_id = q->random_id;
  sent.date = date;
  sent.repeated = repeated;
  sent.bytes = q->data;
  r->tap(r->tap_data, &sent);
}

/* A message whose predecessor of the same random_id is still queued is not queued twice. */
static void repeat_send(relay *r, int index, int to, const schat_request *q, const entry *e, packet *a) {
  show(r, index, to, q, e->message.date, 1);
  answer_sent(a, q, e->message.date, &e->message.file);
  if (happens(r, r->faults.duplicate_error)) fail(a, 400, "RANDOM_ID_DUPLICATE");
}

static void do_send(relay *r, int index, const schat_request *q, packet *a) {
  device *other = NULL;
  const chat *c = open_chat(r, index, q, a, &other);
  const entry *e;
  schat_encrypted_message m;
  int to;
  if (c == NULL) return;
  to = c->device[c->device[0] == index];
  if (q->data.size == 0 || q->random_id == 0) fail(a, 400, "DATA_INVALID");
  if (q->data.size > DATA_MAX) fail(a, 400, "DATA_TOO_LONG");
  if (a->item.kind == RELAY_ERROR) return;
  expire(r, other);
  e = find_queued(other, index, q->chat_id, q->random_id);
  if (e != NULL) {
    repeat_send(r, index, to, q, e, a);
    return;
  }
  SCHAT_INIT(m);
  if (q->type == SCHAT_REQUEST_SEND_ENCRYPTED_FILE && !take_file(r, r->devices[index]->user_id, &q->file, &m.file, a)) return;
  m.chat_id = q->chat_id;
  m.date = date_of(r);
  m.random_id = q->random_id;
  m.bytes = q->data;
  m.service = q->type == SCHAT_REQUEST_SEND_SERVICE;
  show(r, index, to, q, m.date, 0);
  (void)enqueue(r, other, index, &m, happens(r, r->faults.drop_for_good));
  answer_sent(a, q, m.date, &m.file);
}

/* setEncryptedTyping, readEncryptedHistory */
static void do_notice(relay *r, int index, const schat_request *q, packet *a) {
  device *other = NULL;
  if (open_chat(r, index, q, a, &other) == NULL) return;
  a->item.answer.type = SCHAT_ANSWER_DONE;
  if (q->type == SCHAT_REQUEST_SET_TYPING) {
    if (q->typing) push_plain(r, other, RELAY_TYPING, q->chat_id, 0);
  } else if (q->max_date <= 0) {
    fail(a, 400, "MAX_DATE_INVALID");
  } else {
    push_plain(r, other, RELAY_READ, q->chat_id, q->max_date);
  }
}

static void do_received(device *d, const schat_request *q, packet *a) {
  size_t n = 0, i;
  if (q->qts < 0 || q->qts > d->qts) {
    fail(a, 400, "MAX_QTS_INVALID");
    return;
  }
  while (n < d->queue_count && d->queue[n].qts <= q->qts) free(d->queue[n++].bytes);
  for (i = n; n != 0 && i < d->queue_count; i++) d->queue[i - n] = d->queue[i];
  d->queue_count -= n;
  a->item.answer.type = SCHAT_ANSWER_DONE;
}

static void do_report(relay *r, const schat_request *q, packet *a) {
  a->item.answer.type = SCHAT_ANSWER_DONE;
  if (find_chat(r, q->chat_id) == NULL) fail(a, 400, "CHAT_ID_INVALID");
}

/* getDifference ------------------------------------------------------------------------------------------------------------ */

/* What one difference holds: notes and queue entries from here on. */
typedef struct {
  size_t first_note, first_entry, messages;
  size_t bytes;
} extent;

static extent measure(const relay *r, const device *d, int32_t qts, int32_t date) {
  extent x = {0};
  size_t i;
  while (x.first_note < d->note_count && d->notes[x.first_note].date < date) x.first_note++;
  while (x.first_entry < d->queue_count && d->queue[x.first_entry].qts <= qts) x.first_entry++;
  x.messages = d->queue_count - x.first_entry;
  if (r->faults.difference_messages != 0 && x.messages > r->faults.difference_messages) x.messages = r->faults.difference_messages;
  for (i = x.first_note; i < d->note_count; i++) x.bytes += d->notes[i].update.g_a.size;
  for (i = 0; i < x.messages; i++) x.bytes += d->queue[x.first_entry + i].message.bytes.size;
  return x;
}

/* Moves borrowed bytes to the end of the packet's block. */
static void settle(schat_bytes *bytes, uint8_t **end) {
  if (bytes->size == 0) return;
  memcpy(*end, bytes->data, bytes->size);
  bytes->data = *end;
  *end += bytes->size;
}

static void set_position(const relay *r, const device *d, const extent *x, packet *a) {
  const entry *last;
  a->item.more = x->first_entry + x->messages < d->queue_count;
  a->item.difference.qts = d->qts;
  a->item.difference.date = date_of(r);
  if (!a->item.more) return;
  last = &d->queue[x->first_entry + x->messages - 1];
  a->item.difference.qts = last->qts;
  a->item.difference.date = last->message.date;
}

static void do_difference(relay *r, device *d, int32_t qts, int32_t date, packet *a) {
  schat_chat_update *chats;
  schat_encrypted_message *messages;
  uint8_t *end;
  size_t notes, i;
  extent x;
  expire(r, d);
  x = measure(r, d, qts, date);
  notes = d->note_count - x.first_note;
  a->item.kind = RELAY_DIFFERENCE;
  a->block = take(notes * sizeof *chats + x.messages * sizeof *messages + x.bytes);
  chats = a->block;
  messages = (schat_encrypted_message *)(void *)(chats + notes);
  end = (uint8_t *)(messages + x.messages);
  for (i = 0; i < notes; i++) {
    chats[i] = d->notes[x.first_note + i].update;
    settle(&chats[i].g_a, &end);
  }
  for (i = 0; i < x.messages; i++) {
    messages[i] = d->queue[x.first_entry + i].message;
    settle(&messages[i].bytes, &end);
  }
  a->item.difference.chats = chats;
  a->item.difference.chat_count = notes;
  a->item.difference.messages = messages;
  a->item.difference.message_count = x.messages;
  set_position(r, d, &x, a);
}

/* Requests: their way ------------------------------------------------------------------------------------------------------ */

static void carry_out(relay *r, int index, const schat_request *q, packet *a) {
  switch (q->type) {
    case SCHAT_REQUEST_GET_DH_CONFIG:
      do_dh_config(r, q, a);
      break;
    case SCHAT_REQUEST_REQUEST_ENCRYPTION:
      do_request(r, index, q, a);
      break;
    case SCHAT_REQUEST_ACCEPT_ENCRYPTION:
      do_accept(r, index, q, a);
      break;
    case SCHAT_REQUEST_DISCARD_ENCRYPTION:
      do_discard(r, index, q, a);
      break;
    case SCHAT_REQUEST_SEND_ENCRYPTED:
    case SCHAT_REQUEST_SEND_ENCRYPTED_FILE:
    case SCHAT_REQUEST_SEND_SERVICE:
      do_send(r, index, q, a);
      break;
    case SCHAT_REQUEST_SET_TYPING:
    case SCHAT_REQUEST_READ_HISTORY:
      do_notice(r, index, q, a);
      break;
    case SCHAT_REQUEST_RECEIVED_QUEUE:
      do_received(r->devices[index], q, a);
      break;
    case SCHAT_REQUEST_REPORT_SPAM:
      do_report(r, q, a);
      break;
    case SCHAT_REQUEST_GET_DIFFERENCE:
      do_difference(r, r->devices[index], q->qts, q->date, a);
      break;
    default:
      fail(a, 400, "METHOD_INVALID");
  }
}

/* Takes the failure that was ordered for a request of this type, if there is one. */
static int fails_on_order(device *d, int32_t type, packet *a) {
  size_t i;
  for (i = 0; i < d->failure_count; i++) {
    if (d->failures[i].type != type) continue;
    fail(a, d->failures[i].code, d->failures[i].text);
    d->failure_count--;
    memmove(d->failures + i, d->failures + i + 1, (d->failure_count - i) * sizeof *d->failures);
    return 1;
  }
  return 0;
}

static void fail_500(relay *r, packet *a) {
  if (draw_below(r, 2) == 0) {
    fail(a, 500, "RPC_CALL_FAIL");
  } else {
    fail(a, -503, "Timeout");
  }
}

/* Failures before the request has any effect. */
static int fails(relay *r, device *d, int32_t type, packet *a) {
  char text[32];
  if (d->gone) {
    fail(a, 401, "AUTH_KEY_UNREGISTERED");
  } else if (fails_on_order(d, type, a)) {
    return 1;
  } else if (happens(r, r->faults.error_420)) {
    (void)snprintf(text, sizeof text, "FLOOD_WAIT_%d", 1 + (int)draw_below(r, 3));
    fail(a, 420, text);
  } else if (happens(r, r->faults.error_500)) {
    fail_500(r, a);
  }
  return a->item.kind == RELAY_ERROR;
}

static int stands_in(const schedule *s, uint64_t epoch, uint64_t token) {
  size_t i;
  for (i = 0; i < s->count; i++) {
    const query *q = (const query *)s->items[i];
    if (q->epoch == epoch && q->request.token == token) return 1;
  }
  return 0;
}

/* The predecessor of a chained request. */
typedef enum { BEFORE_DONE, BEFORE_FAILED, BEFORE_PENDING, BEFORE_UNKNOWN } before;

static before predecessor(const device *d, const query *q) {
  size_t i, n = d->result_count < RESULTS ? d->result_count : RESULTS;
  if (q->request.after == 0) return BEFORE_DONE;
  for (i = 0; i < n; i++) {
    const result *x = &d->results[i];
    if (x->epoch == q->epoch && x->token == q->request.after) return x->done ? BEFORE_DONE : BEFORE_FAILED;
  }
  if (stands_in(&d->requests, q->epoch, q->request.after) || stands_in(&d->waiting, q->epoch, q->request.after)) return BEFORE_PENDING;
  return BEFORE_UNKNOWN;
}

/* Those that waited for a request are next. */
static void release_followers(relay *r, device *d, const query *q) {
  size_t i = 0, place = 0;
  while (i < d->waiting.count) {
    query *w = (query *)d->waiting.items[i];
    if (w->epoch == q->epoch && w->request.after == q->request.token) {
      (void)removed(&d->waiting, i);
      w->due.at = r->now;
      insert(&d->requests, place++, &w->due);
    } else {
      i++;
    }
  }
}

static void remember(device *d, const query *q, int done) {
  result *x = &d->results[d->result_count++ % RESULTS];
  x->epoch = q->epoch;
  x->token = q->request.token;
  x->done = done;
}

static void process(relay *r, int index, query *q, before chain) {
  device *d = r->devices[index];
  packet *a = new_packet(RELAY_ANSWER);
  a->item.token = q->request.token;
  a->item.request_type = q->request.type;
  if (chain == BEFORE_FAILED) {
    fail(a, draw_below(r, 2) == 0 ? 400 : 500, "MSG_WAIT_FAILED");
  } else if (chain == BEFORE_UNKNOWN) {
    fail(a, 500, "MSG_WAIT_TIMEOUT");
  } else if (!fails(r, d, q->request.type, a)) {
    carry_out(r, index, &q->request, a);
    if (happens(r, r->faults.error_after_effect)) fail_500(r, a);
  }
  remember(d, q, a->item.kind != RELAY_ERROR);
  release_followers(r, d, q);
  if (q->epoch != d->epoch || happens(r, r->faults.lost_answer)) {
    free_packet(a);
  } else {
    deliver(r, d, a);
  }
  free_query(q);
}

/* The device whose next request arrives first, until `now`; -1: none. */
static int next_to_run(const relay *r, int64_t now) {
  size_t i;
  int best = -1;
  for (i = 0; i < r->device_count; i++) {
    const schedule *s = &r->devices[i]->requests;
    if (s->count == 0 || s->items[0]->at > now) continue;
    if (best < 0 || s->items[0]->at < r->devices[best]->requests.items[0]->at) best = (int)i;
  }
  return best;
}

static void run(relay *r, int64_t now) {
  int64_t until = now > r->now ? now : r->now;
  int index;
  while ((index = next_to_run(r, until)) >= 0) {
    device *d = r->devices[index];
    query *q = (query *)removed(&d->requests, 0);
    before chain = predecessor(d, q);
    advance(r, q->due.at);
    if (chain == BEFORE_PENDING) {
      insert(&d->waiting, d->waiting.count, &q->due);
    } else {
      process(r, index, q, chain);
    }
  }
  advance(r, now);
}

int relay_request(relay *r, int device_index, const schat_request *request, int64_t now) {
  device *d = device_at(r, device_index);
  query *q;
  if (d == NULL) return -1;
  run(r, now);
  d->connected = 1;
  if (happens(r, r->faults.lost_request)) return 0;
  q = take(sizeof *q);
  q->epoch = d->epoch;
  q->request = *request;
  q->data = copied(request->data);
  q->request.data.data = q->data;
  schedule_in(r, &d->requests, &d->last_request, &q->due);
  run(r, now);
  return 0;
}

int relay_poll(relay *r, int device_index, int64_t now, const relay_item **item) {
  device *d = device_at(r, device_index);
  if (d == NULL) return 0;
  run(r, now);
  d->connected = 1;
  free_packet(d->current);
  d->current = NULL;
  if (d->inbox.count == 0 || d->inbox.items[0]->at > r->now) return 0;
  d->current = (packet *)removed(&d->inbox, 0);
  *item = &d->current->item;
  return 1;
}

int64_t relay_next(const relay *r) {
  int64_t at = INT64_MAX;
  size_t i;
  for (i = 0; i < r->device_count; i++) {
    const device *d = r->devices[i];
    if (d->requests.count != 0 && d->requests.items[0]->at < at) at = d->requests.items[0]->at;
    if (d->inbox.count != 0 && d->inbox.items[0]->at < at) at = d->inbox.items[0]->at;
  }
  return at;
}

const relay_item *relay_difference(relay *r, int device_index, int32_t qts, int32_t date, int64_t now) {
  device *d = device_at(r, device_index);
  if (d == NULL) return NULL;
  run(r, now);
  d->connected = 1;
  free_packet(d->difference);
  d->difference = new_packet(RELAY_DIFFERENCE);
  d->difference->item.request_type = SCHAT_REQUEST_GET_DIFFERENCE;
  do_difference(r, d, qts, date, d->difference);
  return &d->difference->item;
}

void relay_disconnect(relay *r, int device_index) {
  device *d = device_at(r, device_index);
  if (d == NULL) return;
  d->epoch++;
  d->connected = 0;
  empty_inbox(d);
}

void relay_log_out(relay *r, int device_index, int64_t now) {
  device *d = device_at(r, device_index);
  size_t i;
  if (d == NULL) return;
  run(r, now);
  d->gone = 1;
  empty_queue(d);
  for (i = 0; i < r->chat_count; i++) {
    chat *c = &r->chats[i];
    if (c->state != CHAT_DISCARDED && (c->device[0] == device_index || c->device[1] == device_index)) close_chat(r, c, device_index, 0);
  }
}

/* What the server holds ---------------------------------------------------------------------------------------------------- */

int32_t relay_qts(const relay *r, int device_index) {
  const device *d = device_at(r, device_index);
  return d == NULL ? 0 : d->qts;
}

void relay_set_qts(relay *r, int device_index, int32_t qts) {
  device *d = device_at(r, device_index);
  if (d == NULL) return;
  empty_queue(d);
  d->qts = qts;
}

size_t relay_queue_length(const relay *r, int device_index) {
  const device *d = device_at(r, device_index);
  return d == NULL ? 0 : d->queue_count;
}

int32_t relay_inject_message(relay *r, int device_index, const schat_encrypted_message *message, int64_t now) {
  device *d = device_at(r, device_index);
  if (d == NULL) return 0;
  run(r, now);
  return enqueue(r, d, -1, message, 0);
}

void relay_inject_chat(relay *r, int device_index, const schat_chat_update *chat_update, int64_t now) {
  run(r, now);
  tell_chat(r, device_at(r, device_index), chat_update);
}

/* Files -------------------------------------------------------------------------------------------------------------------- */

void relay_upload_part(relay *r, int device_index, int64_t upload_id, int32_t part, schat_bytes bytes) {
  const device *d = device_at(r, device_index);
  file_part *p;
  if (d == NULL) return;
  p = find_part(r, d->user_id, upload_id, part);
  if (p == NULL) {
    r->parts = grown(r->parts, r->part_count, &r->part_capacity, sizeof *r->parts);
    p = &r->parts[r->part_count++];
    memset(p, 0, sizeof *p);
  }
  free(p->data);
  p->user_id = d->user_id;
  p->upload_id = upload_id;
  p->part = part;
  p->data = copied(bytes);
  p->size = bytes.size;
}

int relay_file(const relay *r, const schat_encrypted_file *file, schat_bytes *bytes) {
  const stored_file *s = find_file(r, file->id, file->access_hash);
  if (s == NULL) return 0;
  bytes->data = s->data;
  bytes->size = (size_t)s->file.size;
  return 1;
}
