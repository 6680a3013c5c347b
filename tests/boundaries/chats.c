/* SPDX-License-Identifier: BSL-1.0
 * chats.c - numbers that a message to an open chat carries, at their ends: each from the same state of the chat. */
#include "boundaries.h"
#include "manager/manager.h"
#include "stage.h"

typedef struct {
  stage *s;
  memstore *image;
  book *b;
} ground;

static ground begin(book *b, uint64_t seed, int originator, const schat_policy *policy) {
  ground g = {stage_new(seed, originator, policy), NULL, b};
  stage *s = g.s;
  for (int i = 0; i < 3; i++) (void)world_text(s->w, 0, s->chat_id, "ours", NULL);
  world_run(s->w);
  s->p->in_raw = 2;
  for (int i = 0; i < 3; i++) (void)stage_text(s, 90 + i, "theirs");
  g.image = world_image(s->w, 0);
  return g;
}

static void again(const ground *g) {
  stage_rewind(g->s, g->image);
  stage_forget(g->s);
}

static void end(ground *g) {
  memstore_free(g->image);
  stage_free(g->s);
}

/* A text under raw numbers, from the beginning: status. */
static int text_at(const ground *g, int64_t in_raw, int64_t out_raw) {
  again(g);
  return stage_text_raw(g->s, (int32_t)in_raw, (int32_t)out_raw, 500, "text");
}

/* R-SEQ-08..10, R-SEQ-17..19: each number around the ones that are lawful next. */
static void try_numbers(const ground *g) {
  again(g);
  const schat__chat *chat = &stage_slot(g->s)->chat;
  const int32_t next = chat->in_seq, sent = chat->out_seq, confirmed = chat->peer_in_seq;
  book *b = g->b;
  for (int32_t raw = next - 2; raw <= next + 2; raw++) {
    const int64_t at = edge(b, next, 1);
    judged(b, "R-SEQ-08", "out_seq_no from the next", raw - next,
           raw < at    ? SCHAT_DUPLICATE
           : raw == at ? SCHAT_OK
                       : SCHAT_WAITING,
           text_at(g, confirmed, raw));
  }
  for (int32_t raw = confirmed - 2; raw <= sent + 2; raw++) {
    const int good = raw >= edge(b, confirmed, 1) && raw <= edge(b, sent, 1);
    judged(b, raw < sent ? "R-SEQ-17" : "R-SEQ-18", "in_seq_no", raw, good ? SCHAT_OK : SCHAT_CHAT_CLOSED, text_at(g, raw, next));
    judged(b, "R-SEQ-18", "in_seq_no behind a gap", raw, raw <= edge(b, sent, 1) ? SCHAT_WAITING : SCHAT_CHAT_CLOSED,
           text_at(g, raw, next + 1));
  }
}

/* R-SEQ-10, D-37: how much one Resend covers. */
static int64_t asked(const ground *g) {
  puppet_seen seen;
  for (size_t i = 0; i < g->s->sent_count; i++) {
    if (stage_read(g->s, i, &seen) && seen.action.type == SCHAT__ACTION_RESEND) return (seen.action.end - seen.action.start) / 2 + 1;
  }
  return 0;
}

static void try_gaps(const ground *g) {
  again(g);
  static const int32_t gaps[] = {1, 2, 3, 998, 999, 1000, 1001, 1002, 999999999, 1000000000};
  const int32_t next = stage_slot(g->s)->chat.in_seq, confirmed = stage_slot(g->s)->chat.peer_in_seq;
  for (size_t i = 0; i < sizeof gaps / sizeof *gaps; i++) {
    (void)text_at(g, confirmed, next + gaps[i]);
    judged(g->b, "R-SEQ-10", "missing", gaps[i], gaps[i] < edge(g->b, 1000, 1) ? gaps[i] : edge(g->b, 1000, 1), asked(g));
  }
}

/* R-SEQ-05: the parity of each number, at both ends of what an int can hold, for both sides. */
static void try_parity(const ground *g) {
  static const int32_t bases[] = {INT32_MIN, -2, 0, 2, INT32_MAX - 1};
  const int32_t bit = g->s->p->originator ? 1 : 0, moved = (int32_t)(g->b->shift & 1);
  for (size_t i = 0; i < 5; i++) {
    for (int32_t low = 0; low < 2; low++) {
      for (int32_t in = 0; in < 2; in++) {
        again(g);
        int status =
            puppet_send_wire(g->s->p, stage_manager(g->s), 4 + in, bases[i] + low, puppet_text(g->s->p, 5, "text", 0), g->s->w->now);
        const int right = low == (bit ^ moved) && in == (1 - bit);
        const schat_chat_info info = stage_info(g->s);
        judged(g->b, "R-SEQ-05", "out_seq_no", (int64_t)bases[i] + low, right, info.close_reason != SCHAT_CLOSE_BAD_PARITY);
        (void)status;
      }
    }
  }
}

/* R-SEQ-14: what a Resend may ask for: from the oldest we can answer for to the last we made. */
static void try_ranges(const ground *g) {
  again(g);
  const int32_t sent = stage_slot(g->s)->chat.out_seq, next = stage_slot(g->s)->chat.in_seq, confirmed = stage_slot(g->s)->chat.peer_in_seq;
  for (int32_t first = -1; first <= sent + 1; first++) {
    for (int32_t last = first - 1; last <= sent + 1; last++) {
      again(g);
      const int good = first >= edge(g->b, 0, 1) && last >= first && last < sent;
      int status = stage_resend(g->s, confirmed, next, first, last);
      judged(g->b, "R-SEQ-14", "a Resend", (int64_t)first * 100 + last, good ? SCHAT_OK : SCHAT_CHAT_CLOSED, status);
    }
  }
}

/* R-DEC-08: 15 random bytes, and the ends of the two forms of a string. */
static void try_random_bytes(const ground *g) {
  again(g);
  static const size_t sizes[] = {0, 1, 13, 14, 15, 16, 31, 252, 253, 254, 255};
  const int32_t next = stage_slot(g->s)->chat.in_seq, confirmed = stage_slot(g->s)->chat.peer_in_seq;
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    g->s->p->random_bytes = sizes[i];
    judged(g->b, "R-DEC-08", "random bytes", (int64_t)sizes[i], (int64_t)sizes[i] >= edge(g->b, 15, 1) ? SCHAT_OK : SCHAT_REJECTED,
           text_at(g, confirmed, next));
  }
  g->s->p->random_bytes = 31;
}

/* D-04, R-DEC-09: wrappers from layer 8 on; above ours the user is told. R-LAY-05: NotifyLayer from 17 on. */
static void try_layers(const ground *g) {
  again(g);
  static const int32_t layers[] = {INT32_MIN, -1, 0, 6, 7, 8, 9, 16, 17, 45, 46, 72, 73, 143, 144, 145, INT32_MAX};
  const int32_t next = stage_slot(g->s)->chat.in_seq, confirmed = stage_slot(g->s)->chat.peer_in_seq;
  for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
    g->s->p->layer = layers[i];
    judged(g->b, "D-04", "layer of a wrapper", layers[i], layers[i] >= edge(g->b, 8, 1) ? SCHAT_OK : SCHAT_REJECTED,
           text_at(g, confirmed, next));
    judged(g->b, "R-DEC-09", "layer of a wrapper", layers[i], layers[i] > edge(g->b, 144, 1),
           (int64_t)world_count(g->s->w, 0, SCHAT_EVENT_PEER_NEWER_LAYER));
  }
  g->s->p->layer = 46;
  for (int32_t layer = 14; layer <= 20; layer++) {
    again(g);
    stage_slot(g->s)->chat.peer_layer = 8;
    schat__action action;
    memset(&action, 0, sizeof action);
    action.type = SCHAT__ACTION_NOTIFY_LAYER;
    action.layer = layer;
    g->s->p->layer = 8;
    (void)stage_action_raw(g->s, confirmed, next, &action);
    judged(g->b, "R-LAY-05", "NotifyLayer", layer, layer >= edge(g->b, 17, 1) ? layer : 8, stage_slot(g->s)->chat.peer_layer);
  }
  g->s->p->layer = 144;
}

/* R-SEQ-23: the last number of either side. */
static void try_last_numbers(const ground *g) {
  again(g);
  const int32_t confirmed = stage_slot(g->s)->chat.peer_in_seq;
  for (int32_t step = -2; step <= 0; step++) {
    again(g);
    schat__chat *chat = &stage_slot(g->s)->chat;
    chat->in_seq = SCHAT__SEQ_MAX + step;
    chat->in_highest = chat->in_seq - 1;
    judged(g->b, "R-SEQ-23", "number of a message of the peer", step, step < edge(g->b, 0, 1) ? SCHAT_OK : SCHAT_CHAT_CLOSED,
           stage_text_raw(g->s, confirmed, SCHAT__SEQ_MAX + step, 500, "the last"));
  }
}

/* so many messages, and bytes, may wait behind a gap. */
static void try_queue(book *b) {
  for (uint32_t limit = 3; limit <= 5; limit++) {
    schat_policy policy;
    SCHAT_INIT(policy);
    policy.flags = SCHAT_POLICY_CHAIN_SENDS;
    policy.max_waiting_messages = limit;
    ground g = begin(b, 90 + limit, 1, &policy);
    const int32_t next = stage_slot(g.s)->chat.in_seq;
    again(&g);
    for (int32_t n = 1; n <= (int32_t)limit + 1; n++) {
      int status = stage_text_raw(g.s, 2, next + n, 500 + n, "waits");
      judged(b, "X-13", "messages that wait", n, n <= edge(b, (int64_t)limit, 1) ? SCHAT_WAITING : SCHAT_CHAT_CLOSED, status);
    }
    end(&g);
  }
}

/* X-02, D-11: the largest message. */
static void try_largest(book *b) {
  for (uint32_t limit = 999; limit <= 1001; limit++) {
    schat_policy policy;
    SCHAT_INIT(policy);
    policy.flags = SCHAT_POLICY_CHAIN_SENDS;
    policy.max_message_bytes = limit;
    ground g = begin(b, 95, 0, &policy);
    for (size_t size = 984; size <= 1016; size += 16) {
      uint8_t bytes[1016] = {0};
      schat__store64(bytes, (uint64_t)g.s->p->key_fingerprint);
      again(&g);
      (void)puppet_feed(stage_manager(g.s), g.s->chat_id, bytes, size, g.s->w->now);
      world_run(g.s->w);
      judged(b, "X-02", "bytes", (int64_t)size, (int64_t)size > edge(b, limit, 16) ? SCHAT_REJECT_TOO_LARGE : SCHAT_REJECT_NOT_AUTHENTIC,
             world_last(g.s->w, 0, SCHAT_EVENT_REJECTED)->reason);
    }
    end(&g);
  }
}

void try_chats(book *b) {
  for (int role = 0; role < 2; role++) {
    ground g = begin(b, 80 + (uint64_t)role, role, NULL);
    try_gaps(&g); /* before the server has heard that the chat is closed */
    try_numbers(&g);
    try_parity(&g);
    try_ranges(&g);
    try_random_bytes(&g);
    try_layers(&g);
    try_last_numbers(&g);
    end(&g);
  }
  try_queue(b);
  try_largest(b);
}
